import os from "node:os";
import type { Clock, SeriesId } from "all-use-agent/sdk";
import { AskedGroup } from "./asked-group.ts";
import type { Columns } from "./columns.ts";
import type { Facts, Group } from "./group.ts";
import { systemFacts } from "./systeminformation-facts.ts";
import { TimeGroup } from "./time.ts";

const MILLISECONDS = 1000;
/**
 * Each of these starts a child process on Windows and macOS, PowerShell taking a second of CPU: what changes slowly is asked in every
 * third slow interval, what hardly changes in every sixth.
 */
const SELDOM = 3;
const RARELY = 6;

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
  const ask = await systemFacts(facts, clock);
  const slowMs = facts.config.slow_interval_ms;
  return [
    new TimeGroup(facts, clock),
    new NodeGroup(facts),
    new AskedGroup("meminfo", slowMs, ask.memory),
    new AskedGroup("filesystem", slowMs, ask.fileSystems),
    new AskedGroup("netdev", slowMs, ask.traffic),
    new AskedGroup("diskstats", slowMs, ask.disks),
    new AskedGroup("cpufreq", slowMs * SELDOM, ask.frequencies),
    new AskedGroup("filefd", slowMs * SELDOM, ask.descriptors),
    new AskedGroup("netclass", slowMs * SELDOM, ask.interfaces),
    new AskedGroup("powersupplyclass", slowMs * SELDOM, ask.battery),
    new AskedGroup("thermal_zone", slowMs * SELDOM, ask.temperature),
    new AskedGroup("system", slowMs * RARELY, ask.system),
  ];
}
