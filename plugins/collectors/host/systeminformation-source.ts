import os from "node:os";
import type { Clock, SeriesId } from "all-use-agent/sdk";
import { type Answer, AskedGroup } from "./asked-group.ts";
import type { Columns } from "./columns.ts";
import type { Facts, Group } from "./group.ts";
import { TimeGroup } from "./time.ts";

const MILLISECONDS = 1000;
/** Temperatures and batteries start a child process on Windows and change slowly. */
const SENSOR_SLOWER = 3;

/** Modes that every system knows, under the names of Linux. */
const MODES = [
  ["user", "user"],
  ["nice", "nice"],
  ["sys", "system"],
  ["idle", "idle"],
  ["irq", "irq"],
] as const;

/** What Node itself knows without asking anyone: CPU time, load, memory. Fits every tick on every system. */
class NodeGroup implements Group {
  readonly name = "cpu";
  readonly pace = "fast";
  private readonly facts: Facts;
  private readonly cpuIds: (readonly SeriesId[])[] = [];
  private readonly loadIds: readonly SeriesId[];
  private readonly totalId: SeriesId;
  private readonly freeId: SeriesId;

  constructor(facts: Facts) {
    this.facts = facts;
    // Windows has no load average; Node says 0 there, which would be a lie.
    this.loadIds =
      process.platform === "win32" ? [] : ["node_load1", "node_load5", "node_load15"].map((name) => facts.series(name));
    this.totalId = facts.series("node_memory_MemTotal_bytes");
    this.freeId = facts.series("node_memory_MemFree_bytes");
  }

  read(out: Columns): void {
    const cpus = os.cpus();
    for (let cpu = 0; cpu < cpus.length; cpu++) {
      const ids = (this.cpuIds[cpu] ??= MODES.map(([, mode]) =>
        this.facts.series("node_cpu_seconds_total", { cpu: String(cpu), mode }),
      ));
      for (let i = 0; i < MODES.length; i++) out.push(ids[i], cpus[cpu].times[MODES[i][0]] / MILLISECONDS);
    }
    const load = os.loadavg();
    for (let i = 0; i < this.loadIds.length; i++) out.push(this.loadIds[i], load[i]);
    out.push(this.totalId, os.totalmem());
    out.push(this.freeId, os.freemem());
  }

  close(): void {}
}

/** The same facts where there is no /proc, through systeminformation, at intervals that macOS and Windows can bear. */
export async function systemGroups(facts: Facts, clock: Clock): Promise<Group[]> {
  const { default: si } = await import("systeminformation");
  const slowMs = facts.config.slow_interval_ms;
  const excludeNetwork = new RegExp(facts.config.network_exclude);
  const excludeType = new RegExp(facts.config.filesystem_type_exclude);
  const excludeMount = new RegExp(facts.config.filesystem_mount_exclude);
  const bootSeconds = Math.round(clock.now() / MILLISECONDS - os.uptime());

  const memory = async (): Promise<Answer> => {
    const mem = await si.mem();
    return given(facts, {}, [
      ["node_memory_MemAvailable_bytes", mem.available],
      ["node_memory_Active_bytes", mem.active],
      ["node_memory_Buffers_bytes", mem.buffers],
      ["node_memory_Cached_bytes", mem.cached],
      ["node_memory_SwapTotal_bytes", mem.swaptotal],
      ["node_memory_SwapFree_bytes", mem.swapfree],
    ]);
  };

  const fileSystems = async (): Promise<Answer> =>
    (await si.fsSize())
      .filter(({ type, mount }) => !excludeType.test(type) && !excludeMount.test(mount))
      .flatMap(({ fs: device, type: fstype, mount: mountpoint, size, used, available, rw }) =>
        given(facts, { device, fstype, mountpoint }, [
          ["node_filesystem_size_bytes", size],
          ["node_filesystem_free_bytes", size - used],
          ["node_filesystem_avail_bytes", available],
          ["node_filesystem_readonly", rw === null ? null : rw ? 0 : 1],
        ]),
      );

  const network = async (): Promise<Answer> =>
    (await si.networkStats("*")).flatMap((stats) => {
      const labels = { device: stats.iface };
      const up = given(facts, labels, [["node_network_up", stats.operstate === "up" ? 1 : 0]]);
      if (excludeNetwork.test(stats.iface)) return up;
      const traffic = given(facts, labels, [
        ["node_network_receive_bytes_total", stats.rx_bytes],
        ["node_network_receive_drop_total", stats.rx_dropped],
        ["node_network_receive_errs_total", stats.rx_errors],
        ["node_network_transmit_bytes_total", stats.tx_bytes],
        ["node_network_transmit_drop_total", stats.tx_dropped],
        ["node_network_transmit_errs_total", stats.tx_errors],
      ]);
      return [...up, ...traffic];
    });

  /** All disks together: these systems do not tell them apart. */
  const disks = async (): Promise<Answer> => {
    const io = (await si.disksIO()) as Awaited<ReturnType<typeof si.disksIO>> | null;
    const bytes = (await si.fsStats()) as Awaited<ReturnType<typeof si.fsStats>> | null;
    return given(facts, { device: "all" }, [
      ["node_disk_reads_completed_total", io?.rIO],
      ["node_disk_writes_completed_total", io?.wIO],
      ["node_disk_read_bytes_total", bytes?.rx],
      ["node_disk_written_bytes_total", bytes?.wx],
    ]);
  };

  const machine = (): Promise<Answer> => {
    const uname = {
      domainname: "(none)",
      machine: os.machine(),
      nodename: os.hostname(),
      release: os.release(),
      sysname: os.type(),
      version: os.version(),
    };
    return Promise.resolve([
      ...given(facts, uname, [["node_uname_info", 1]]),
      ...given(facts, {}, [["node_boot_time_seconds", bootSeconds]]),
    ]);
  };

  const sensors = async (): Promise<Answer> => {
    const { main } = await si.cpuTemperature();
    const battery = await si.battery();
    return [
      ...given(facts, { zone: "0", type: "cpu" }, [["node_thermal_zone_temp", main]]),
      ...given(facts, { power_supply: "battery" }, [
        ["node_power_supply_capacity", battery.hasBattery ? battery.percent : null],
        ["node_power_supply_online", battery.hasBattery ? Number(battery.acConnected) : null],
      ]),
    ];
  };

  return [
    new TimeGroup(facts, clock),
    new NodeGroup(facts),
    new AskedGroup("meminfo", slowMs, memory),
    new AskedGroup("filesystem", slowMs, fileSystems),
    new AskedGroup("netdev", slowMs, network),
    new AskedGroup("diskstats", slowMs, disks),
    new AskedGroup("system", slowMs, machine),
    new AskedGroup("sensors", slowMs * SENSOR_SLOWER, sensors),
  ];
}

/** Samples of the values that are there; systeminformation says null, undefined or -1 for what it does not know. */
function given(
  facts: Facts,
  labels: Record<string, string>,
  values: readonly (readonly [string, number | null | undefined])[],
): Answer {
  return values.flatMap(([name, value]) =>
    typeof value === "number" && Number.isFinite(value) && value >= 0 ? [[facts.series(name, labels), value] as const] : [],
  );
}
