/** Hardware that few machines have, from recorded trees, side by side with Debian's node exporter reading the same trees. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { seriesKey } from "all-use-agent/sdk";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { recordFigure } from "../../../test/support/figures.ts";
import { sizeOf } from "./hardware/bcache.ts";
import { parseBackends } from "./hardware/ipvs.ts";
import { parseMdstat } from "./hardware/md.ts";
import { HARDWARE, LINKS } from "./testdata/hardware.ts";
import { Machine, ticksUntil } from "./testdata/machine.ts";
import { ABOUT_ITSELF, NO_NODE_EXPORTER, NODE_EXPORTER, startNodeExporter } from "./testdata/node-exporter.ts";

const TEXTFILES = "var/lib/prometheus/node-exporter";
/** What comes from system calls or from the agent's own machine, whatever the tree says. */
const NOT_IN_THE_TREE = /^node_(time_|timex_|uname_info)/;

/** The last of each group that is asked on a thread. */
const ASKED = [
  "node_hwmon_temp_celsius",
  "node_thermal_zone_temp",
  "node_power_supply_info",
  "node_infiniband_info",
  "node_fibrechannel_info",
];

/** Where we differ from node exporter 1.5 on purpose. */
const OTHERWISE: Readonly<Record<string, string>> = {
  // It takes the microseconds of this file for nanoseconds.
  node_bcache_btree_read_average_duration_seconds: "a thousand times too small there",
};

function server(): Machine {
  const machine = new Machine(HARDWARE, (root) => ({ timex: false, textfile_directory: join(root, TEXTFILES) }));
  for (const [path, target] of LINKS) machine.link(path, target);
  return machine;
}

describe("a server that has everything", () => {
  test.skipIf(!existsSync(NODE_EXPORTER))(
    `is told as node exporter tells it (${existsSync(NODE_EXPORTER) ? "compared" : NO_NODE_EXPORTER})`,
    async () => {
      const machine = server();
      const { root } = machine;
      const { scrape } = await startNodeExporter([
        `--path.procfs=${root}/proc`,
        `--path.sysfs=${root}/sys`,
        `--path.rootfs=${root}`,
        `--path.udev.data=${root}/run/udev/data`,
        `--collector.textfile.directory=${root}/${TEXTFILES}`,
        "--collector.netdev.device-exclude=^$",
        // Else it asks the kernel, not the tree.
        "--no-collector.netdev.netlink",
      ]);
      await machine.start();
      const { all } = await ticksUntil(machine, ASKED);
      const ours = new Map(all.map(({ name, labels, value }) => [seriesKey(name, labels), value]));
      const theirs = (await scrape()).filter(
        ({ name, key }) => (!ABOUT_ITSELF.test(name) || key.startsWith("node_textfile_")) && !NOT_IN_THE_TREE.test(name),
      );
      expect(theirs.length).toBeGreaterThan(700);
      const different = theirs
        .filter(({ name }) => OTHERWISE[name] === undefined)
        .filter(({ key, value }) => ours.get(key) !== value)
        .map(({ key, value }) => `${key} theirs ${value} ours ${String(ours.get(key))}`);
      expect(different).toEqual([]);
      recordFigure("series of recorded hardware equal to node exporter's", theirs.length, "series");
    },
  );
});

describe("parts of it", () => {
  test("arrays that are being rebuilt, checked, or wait for it", () => {
    const states = parseMdstat(HARDWARE["proc/mdstat"]).map(({ device, state, synced }) => ({ device, state, synced }));
    expect(states).toEqual([
      { device: "md0", state: "active", synced: 248896 },
      { device: "md1", state: "recovering", synced: 16775552 },
      { device: "md2", state: "active", synced: 314159265 },
      { device: "md3", state: "inactive", synced: 1953514496 },
      { device: "md4", state: "resync", synced: 0 },
      { device: "md5", state: "check", synced: 332391424 },
    ]);
  });

  test.each([
    ["4.0k", 4096],
    ["20.4G", 20 * 2 ** 30 + 400 * 2 ** 20],
    ["-1.5M/sec", -(2 ** 20 + 500 * 1024)],
    ["512", 512],
    ["", NaN],
    ["none", NaN],
  ])("bcache's size %s", (text, bytes) => expect(sizeOf(text)).toBe(bytes));

  test("text that is no table of backends, of arrays, gives none", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 2000, unit: "binary" }), (text) => {
        parseBackends(`IP Virtual Server\n${text}`);
        parseMdstat(`md0 : active ${text}`);
        sizeOf(text);
      }),
    );
    const [strange, ...others] = parseBackends("TCP  C0A80016:0CEA wlc\n  -> [:::::]:0050 Route 1 2 3\n  -> short");
    expect(strange.labels.remote_address).toBe("[:::::]");
    expect(others).toEqual([]);
  });

  test("a pool that is exported, a disk set that is stopped, end with staleness markers", async () => {
    const machine = await server().start();
    machine.tick();
    machine.remove("proc/spl/kstat/zfs/tank");
    machine.remove("sys/class/scsi_tape/st0");
    const samples = machine.tick();
    expect(samples.value("node_zfs_zpool_state", { zpool: "tank", state: "online" })).toBeNaN();
    expect(samples.value("node_zfs_zpool_dataset_writes")).toBeNaN();
    expect(samples.value("node_zfs_zpool_state", { zpool: "pool2", state: "suspended" })).toBe(1);
    expect(samples.value("node_tape_io_now")).toBeNaN();
    expect(machine.ctx.states).toEqual([]);
  });

  test("what node exporter 1.5 does not tell yet", async () => {
    const samples = (await server().start()).tick();
    expect(samples.value("node_softnet_backlog_len", { cpu: "1" })).toBe(12);
    expect(samples.value("node_softnet_received_rps_total", { cpu: "0" })).toBe(6);
    expect(samples.value("node_pressure_irq_stalled_seconds_total")).toBe(0.014);
    expect(samples.value("node_btrfs_commit_seconds_total")).toBe(47836.09);
    expect(samples.value("node_zfs_dbuf_cache_count")).toBe(821);
    expect(samples.value("node_zfs_zpool_state", { zpool: "pool2", state: "suspended" })).toBe(1);
    expect(samples.value("node_bcache_btree_read_average_duration_seconds")).toBe(0.001305);
  });

  test("a text file that changes is read again; one that is broken gives nothing and says so", async () => {
    const machine = await server().start();
    expect(machine.tick().value("raid_patrols_total")).toBe(17);
    machine.write(`${TEXTFILES}/raid.prom`, "raid_patrols_total 18\nand_another 2.5\n");
    const changed = machine.tick();
    expect(changed.value("raid_patrols_total")).toBe(18);
    expect(changed.value("and_another")).toBe(2.5);
    expect(changed.value("raid_controller_temp_celsius")).toBeNaN();
    machine.write(`${TEXTFILES}/raid.prom`, "raid_patrols_total 19\nnonsense {\n");
    const broken = machine.tick();
    expect(broken.value("raid_patrols_total")).toBeNaN();
    expect(broken.value("node_textfile_scrape_error")).toBe(1);
    machine.write(`${TEXTFILES}/raid.prom`, "raid_patrols_total 20\n");
    expect(machine.tick().value("raid_patrols_total")).toBe(20);
  });

  test("connections by state, with what waits in their queues", async () => {
    const head = "  sl  local_address rem_address   st tx_queue rx_queue\n";
    const line = (state: string, queues: string) =>
      `   0: 0100007F:9C40 00000000:0000 ${state} ${queues} 00:00000000 00000000 0 0 1\n`;
    const machine = new Machine(
      {
        "proc/net/tcp": head + line("0A", "00000000:00000000") + line("01", "00000015:00000003"),
        "proc/net/tcp6": head + line("01", "00000001:00000002"),
      },
      { tcp_states: true },
    );
    const samples = (await machine.start()).tick();
    const value = (state: string) => samples.value("node_tcp_connection_states", { state });
    expect([value("established"), value("listen"), value("time_wait")]).toEqual([2, 1, 0]);
    expect([value("tx_queued_bytes"), value("rx_queued_bytes")]).toEqual([0x16, 5]);
  });

  test("fields of vmstat and netstat as the operator wants them", async () => {
    const machine = new Machine(HARDWARE, { timex: false, vmstat_fields: "^nr_", netstat_fields: ".*" });
    const samples = (await machine.start()).tick();
    expect(samples.value("node_vmstat_nr_free_pages")).toBe(977769);
    expect(samples.named("node_vmstat_pgpgin")).toEqual([]);
    expect(samples.value("node_netstat_TcpExt_Unwanted")).toBe(78);
  });
});
