/** The collector on this very machine, side by side with Debian's node exporter. */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { seriesKey } from "all-use-agent/sdk";
import { describe, expect, onTestFinished, test } from "vitest";
import { recordFigure } from "../../../test/support/figures.ts";
import { ABOUT_ITSELF, NODE_EXPORTER, startNodeExporter } from "./testdata/node-exporter.ts";
import { realCollector, Samples } from "./testdata/machine.ts";

const onLinux = process.platform === "linux";
const COVERAGE = 0.95;

const ROUNDS = 5;

/**
 * Compares up to five times, each more patiently: neighbours may change the machine between two readings, and answers from the background
 * may be late. What is wrong is wrong every time.
 */
async function inSomeRound(compare: (patienceMs: number) => Promise<void>): Promise<void> {
  for (let round = 1; ; round++) {
    try {
      return await compare(400 * 2 ** (round - 1));
    } catch (error) {
      if (round === ROUNDS) throw error;
    }
  }
}

/** All facts at this moment: a fresh collector reads every group; the second tick has what was asked in the background. */
async function readAll(patienceMs = 400): Promise<Samples> {
  const { ctx, collector } = realCollector({ source: "proc", slow_interval_ms: 1000 });
  await collector.start?.(ctx.signal);
  await collector.collect!(ctx.signal);
  await sleep(patienceMs);
  // Six slow intervals are a rare one, and groups take turns.
  for (let i = 0; i < 6; i++) await collector.collect!(ctx.signal);
  expect(ctx.states).toEqual([]);
  return new Samples(ctx.emitted);
}

function byKey(samples: Samples): Map<string, number> {
  return new Map(samples.all.map(({ name, labels, value }) => [seriesKey(name, labels), value]));
}

describe.skipIf(!onLinux || !existsSync(NODE_EXPORTER))(
  "side by side with node exporter (needs Linux and prometheus-node-exporter)",
  () => {
    test("at least 95 % of its default names are given with equal labels, and no value disagrees", async () => {
      const { scrape } = await startNodeExporter();
      await inSomeRound(async (patienceMs) => {
        const before = byKey(await readAll(patienceMs));
        const theirs = (await scrape()).filter(({ name }) => !ABOUT_ITSELF.test(name));
        const after = byKey(await readAll(patienceMs));

        const names = new Set(theirs.map(({ name }) => name));
        const lacking = new Set(theirs.filter(({ key }) => !before.has(key) && !after.has(key)).map(({ name }) => name));
        expect(1 - lacking.size / names.size, `lacking: ${[...lacking].join(", ")}`).toBeGreaterThanOrEqual(COVERAGE);

        const wrong = theirs.filter(({ key, name, value }) => {
          const first = before.get(key);
          const last = after.get(key);
          if (first === undefined || last === undefined) return false;
          const slack = slackOf(name, value);
          return value < Math.min(first, last) - slack || value > Math.max(first, last) + slack;
        });
        expect(wrong.map(({ key, value }) => ({ key, theirs: value, before: before.get(key), after: after.get(key) }))).toEqual(
          [],
        );
      });
    });
  },
);

/** Counters must lie between our readings before and after; gauges may swing in between. */
function slackOf(name: string, value: number): number {
  if (name.endsWith("_total")) return 1e-9 * Math.abs(value);
  if (/^node_(memory|filesystem_(avail|free)|timex_(max|estimated_)error)/.test(name))
    return Math.max(0.05 * Math.abs(value), 64 * 1024 * 1024);
  if (
    /^node_(procs_|load|filefd_allocated|filesystem_files_free|sockstat|netstat_Tcp_CurrEstab|nf_conntrack|udp_queues|time_seconds)/.test(
      name,
    )
  ) {
    return Math.max(0.05 * Math.abs(value), 50);
  }
  return 1e-9 * Math.abs(value);
}

describe.skipIf(!onLinux)("on this machine (needs Linux)", () => {
  test("/proc agrees at that instant", async () => {
    const idleSeconds = (): number => Number(/^cpu0 +\d+ \d+ \d+ (\d+)/m.exec(readFileSync("/proc/stat", "utf8"))![1]) / 100;
    const stat = readFileSync("/proc/stat", "utf8");
    const idle = idleSeconds();
    const samples = await readAll();
    const ours = samples.named("node_cpu_seconds_total").filter(({ labels }) => labels.cpu === "0" && labels.mode === "idle");
    expect(ours[0].value).toBeGreaterThanOrEqual(idle);
    expect(ours[0].value).toBeLessThanOrEqual(idleSeconds());
    expect(samples.named("node_boot_time_seconds")[0].value).toBe(Number(/^btime (\d+)/m.exec(stat)![1]));
    expect(samples.named("node_memory_MemTotal_bytes")[0].value).toBe(
      Number(/^MemTotal: +(\d+)/.exec(readFileSync("/proc/meminfo", "utf8"))![1]) * 1024,
    );
  });

  const probe = mkdtempSync(join(tmpdir(), "host-mount-"));
  const canMount = process.getuid?.() === 0 && spawnSync("mount", ["-t", "tmpfs", "-o", "size=1m", "probe", probe]).status === 0;
  if (canMount) execFileSync("umount", [probe]);
  rmSync(probe, { recursive: true });

  test.skipIf(!canMount)(
    "a disk mounted while the collector runs is seen within five ticks, and ends at the first after it is unmounted (needs root)",
    async () => {
      const { ctx, collector } = realCollector();
      await collector.start?.(ctx.signal);
      const place = mkdtempSync(join(tmpdir(), "host-mount-"));
      onTestFinished(() => rmSync(place, { recursive: true }));
      const size = (ticks = 1) => {
        for (let i = 1; i < ticks; i++) void collector.collect!(ctx.signal);
        const from = ctx.emitted.length;
        void collector.collect!(ctx.signal);
        return ctx.emitted
          .slice(from)
          .find(({ name, labels }) => name === "node_filesystem_size_bytes" && labels.mountpoint === place)?.value;
      };
      expect(size()).toBeUndefined();
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "probe", place]);
      try {
        expect(size(5)).toBe(1024 * 1024);
      } finally {
        execFileSync("umount", [place]);
      }
      expect(size()).toBeNaN();
    },
  );

  test("systeminformation tells the same facts under the same names, and equal values where both can tell", async () => {
    const { ctx, collector } = realCollector({ source: "systeminformation", slow_interval_ms: 1000 });
    await collector.start?.(ctx.signal);
    // What this machine may have none of, or what is told by the one that knows it alone.
    const wanted = [
      "node_boot_time_seconds",
      "node_cpu_seconds_total",
      "node_disk_written_bytes_total",
      "node_filefd_allocated",
      "node_filesystem_avail_bytes",
      "node_load1",
      "node_memory_MemAvailable_bytes",
      "node_memory_SReclaimable_bytes",
      "node_network_mtu_bytes",
      "node_network_receive_bytes_total",
      "node_os_version",
      "node_uname_info",
    ];
    await inSomeRound(async (patienceMs) => {
      const from = ctx.emitted.length;
      for (let i = 0; i < 300 && !wanted.every((name) => ctx.emitted.slice(from).some((sample) => sample.name === name)); i++) {
        await collector.collect!(ctx.signal);
        await sleep(100);
      }
      const theirs = new Samples(ctx.emitted.slice(from));
      for (const name of wanted) expect(theirs.named(name), name).not.toEqual([]);
      const ours = byKey(await readAll(patienceMs));
      // It tells disks together only, as Linux tells each; and distributions by names of its own.
      const apart = /^node_(disk_|os_|time_|network_info)/;
      let both = 0;
      for (const [key, value] of byKey(theirs)) {
        const same = ours.get(key);
        if (apart.test(key)) continue;
        expect(same, key).toBeDefined();
        const slack = /^node_(load|filefd)/.test(key)
          ? Math.max(1, 0.3 * value)
          : 0.05 * Math.abs(same!) + (key.includes("_memory_") ? 64 * 2 ** 20 : 5);
        expect(Math.abs(same! - value), `${key}: ${value}, by /proc ${String(same)}`).toBeLessThanOrEqual(slack);
        both++;
      }
      recordFigure("facts of systeminformation that agree with /proc", both, "series");
    });
  });

  test("nothing is left open when it stops", async () => {
    const count = () => readdirSync("/proc/self/fd").length;
    const { ctx, collector } = realCollector({ source: "proc" });
    const before = count();
    await collector.start?.(ctx.signal);
    await collector.collect!(ctx.signal);
    expect(count()).toBeGreaterThan(before + 20);
    await ctx.dispose();
    await expect.poll(count).toBeLessThanOrEqual(before + 1);
  });
});
