import { availableParallelism } from "node:os";
import type { Clock } from "all-use-agent/sdk";
import { processes } from "systeminformation";
import type { Names } from "./names.ts";
import { Process } from "./process.ts";
import type { Source } from "./source.ts";
import type { Table } from "./table.ts";

const TICKS_PER_SECOND = 100;
const STATES: Readonly<Record<string, string>> = {
  running: "R",
  sleeping: "S",
  blocked: "D",
  zombie: "Z",
  stopped: "T",
  idle: "I",
  unknown: "S",
};

/**
 * Processes of systems without procfs. systeminformation says shares of the CPU, not times: times are added up from the shares, so that
 * they are as exact as those. I/O, threads and open files it does not know.
 */
export class SystemSource implements Source {
  readonly unread = 0;
  private readonly table: Table;
  private readonly names: Names;
  private readonly clock: Clock;
  private readonly commands = new Map<Process, { command: string; startedMs: number }>();
  private lastMs = NaN;
  private scans = 0;

  constructor(table: Table, names: Names, clock: Clock) {
    this.table = table;
    this.names = names;
    this.clock = clock;
  }

  async scan(signal: AbortSignal): Promise<number> {
    const { list } = await processes();
    signal.throwIfAborted();
    const startMs = this.clock.monotonic();
    const seconds = Number.isNaN(this.lastMs) ? 0 : (startMs - this.lastMs) / 1000;
    this.lastMs = startMs;
    this.scans++;
    // macOS says the share of one processor, Windows and Linux that of all.
    const processors = process.platform === "darwin" ? 1 : availableParallelism();
    for (const one of list) {
      const began = Date.parse(one.started);
      const startTicks = Number.isNaN(began) ? 0 : Math.round(began / 1000) * TICKS_PER_SECOND;
      let known = this.table.processes.get(one.pid);
      // The start is known to the second, and rounded now this way, now that.
      if (known && Math.abs(known.startTicks - startTicks) > 2 * TICKS_PER_SECOND) {
        this.remove(known);
        known = undefined;
      }
      const ticks = Math.max(0, one.cpu / 100) * processors * seconds * TICKS_PER_SECOND;
      if (!known) {
        known = new Process(one.pid, startTicks, this.table.programs.others);
        known.account = one.user || null;
        known.ioDenied = true;
        known.name = one.name;
        this.table.rename(known, this.table.programs.named(this.names.group(one.pid, one.name, false, known.account)));
        this.table.add(known, startMs, 0, 0);
        this.commands.set(known, { command: one.path || one.command, startedMs: Number.isNaN(began) ? 0 : began });
      } else this.table.used(known, startMs, known.ownTicks + ticks, 0);
      known.listed = this.scans;
      known.parent = one.parentPid;
      known.state = (STATES[one.state] ?? "S").charCodeAt(0);
      known.threads = 1;
      known.residentBytes = one.memRss * 1024;
    }
    for (const known of this.table.processes.values()) if (known.listed !== this.scans) this.remove(known);
    this.table.bury();
    return this.clock.monotonic() - startMs;
  }

  refresh(): void {}

  /** Arguments that were one text cannot be told apart for sure: only the program is said. */
  argumentsOf(process: Process): string[] {
    const command = this.commands.get(process)?.command ?? "";
    return command ? [command.replaceAll("\\", "/")] : [];
  }

  startedMs(process: Process): number {
    return this.commands.get(process)?.startedMs ?? 0;
  }

  close(): void {
    this.commands.clear();
  }

  private remove(process: Process): void {
    this.commands.delete(process);
    this.table.remove(process);
  }
}
