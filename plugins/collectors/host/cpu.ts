import type { SeriesId } from "all-use-agent/sdk";
import type { Columns } from "./columns.ts";
import type { Facts, Group } from "./group.ts";
import type { KeptFile } from "./reader.ts";
import { Rows } from "./rows.ts";
import type { Scanner } from "./scanner.ts";

const MODES = ["user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal"] as const;
const GUEST_MODES = ["user", "nice"] as const;
const IDLE = 3;
/** The kernel's USER_HZ, 100 on every architecture Node runs on. */
const TICKS_PER_SECOND = 100;
/** An idle counter that falls by this much means the CPU was taken out and put back; less is the kernel's own jitter. */
const JUMP_BACK_SECONDS = 3;

const COUNTS: Readonly<Record<string, string>> = {
  intr: "node_intr_total",
  ctxt: "node_context_switches_total",
  btime: "node_boot_time_seconds",
  processes: "node_forks_total",
  procs_running: "node_procs_running",
  procs_blocked: "node_procs_blocked",
};

interface Cpu {
  readonly ids: readonly SeriesId[];
  readonly seconds: Float64Array;
}

/** /proc/stat: time of each CPU by mode, and the kernel's counts of interrupts, switches, forks. */
export class CpuGroup implements Group {
  readonly name = "cpu";
  readonly pace = "fast";
  private readonly facts: Facts;
  private readonly file: KeptFile;
  private readonly rows = new Rows<Cpu | SeriesId | null>();
  private readonly cpus = new Map<string, Cpu>();

  constructor(facts: Facts) {
    this.facts = facts;
    this.file = facts.reader.file(facts.proc("stat"), "whole");
  }

  read(out: Columns): void {
    const scanner = this.file.read();
    for (let row = 0; scanner.pos < scanner.end; row++) {
      scanner.key(0);
      let item = this.rows.get(row, scanner.hash);
      if (item === undefined) item = this.rows.set(row, scanner.hash, this.learn(scanner.keyText()));
      if (typeof item === "number") out.push(item, scanner.integer());
      else if (item !== null) readCpu(item, scanner, out);
      scanner.skipLine();
    }
  }

  close(): void {
    this.file.close();
  }

  private learn(key: string): Cpu | SeriesId | null {
    const { facts } = this;
    const metric = COUNTS[key];
    if (metric) return facts.series(metric);
    const cpu = /^cpu(\d+)$/.exec(key)?.[1];
    if (cpu === undefined) return null;
    let item = this.cpus.get(cpu);
    if (!item) {
      item = {
        ids: [
          ...MODES.map((mode) => facts.series("node_cpu_seconds_total", { cpu, mode })),
          ...GUEST_MODES.map((mode) => facts.series("node_cpu_guest_seconds_total", { cpu, mode })),
        ],
        seconds: new Float64Array(MODES.length + GUEST_MODES.length),
      };
      this.cpus.set(cpu, item);
    }
    return item;
  }
}

/** Counters never go back, although the kernel's idle and iowait sometimes do for a moment. */
function readCpu({ ids, seconds }: Cpu, scanner: Scanner, out: Columns): void {
  const start = scanner.pos;
  for (let mode = 0; mode < IDLE; mode++) scanner.integer();
  if (seconds[IDLE] - scanner.integer() / TICKS_PER_SECOND >= JUMP_BACK_SECONDS) seconds.fill(0);
  scanner.pos = start;
  for (let mode = 0; mode < ids.length; mode++) {
    const value = scanner.integer() / TICKS_PER_SECOND;
    if (value > seconds[mode]) seconds[mode] = value;
    out.push(ids[mode], seconds[mode]);
  }
}
