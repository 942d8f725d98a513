import type { SeriesId } from "all-use-agent/sdk";
import type { Columns, Series } from "./columns.ts";
import type { Process } from "./process.ts";
import { Seats, type SeatRules } from "./seats.ts";

export type Measure = "cpu" | "memory" | "io" | "threads" | "files";

interface Kind {
  readonly measure: Measure;
  readonly metric: string;
  /** What is shown, and by what they are ranked. */
  readonly value: (process: Process) => number;
  readonly score: (process: Process) => number;
  readonly rules: Omit<SeatRules, "seats">;
}

const KINDS: readonly Kind[] = [
  {
    measure: "cpu",
    metric: "alluse_top_cpu_ratio",
    value: (process) => process.cpuRatio,
    score: (process) => process.cpuCalm,
    rules: { floor: 0.003, urgent: 0.1 },
  },
  {
    measure: "memory",
    metric: "alluse_top_memory_bytes",
    value: (process) => process.residentBytes,
    score: (process) => process.residentBytes,
    rules: { floor: 4 * 2 ** 20, urgent: Infinity },
  },
  {
    measure: "io",
    metric: "alluse_top_io_bytes_per_second",
    value: (process) => process.ioPerSecond,
    score: (process) => process.ioCalm,
    rules: { floor: 1024, urgent: 5e6 },
  },
  {
    measure: "threads",
    metric: "alluse_top_threads",
    value: (process) => process.threads,
    score: (process) => process.threads,
    rules: { floor: 4, urgent: Infinity },
  },
  {
    measure: "files",
    metric: "alluse_top_open_files",
    value: (process) => process.openFiles,
    score: (process) => process.openFiles,
    rules: { floor: 16, urgent: Infinity },
  },
];

interface Slot {
  readonly value: SeriesId;
  readonly pid: SeriesId;
  occupant: Process | null;
  info: SeriesId | null;
  infoName: string;
}

/** The largest processes by each measure, each ranking in a fixed number of numbered slots: its series are the same whoever is in. */
export class Rankings {
  private readonly rankings: readonly { kind: Kind; seats: Seats<Process>; slots: readonly Slot[] }[];
  private readonly series: Series;
  /** The name that may become a label, or that of the others. */
  private readonly label: (name: string) => string;

  constructor(seats: number, series: Series, label: (name: string) => string) {
    this.series = series;
    this.label = label;
    this.rankings = KINDS.map((kind) => ({
      kind,
      seats: new Seats<Process>({ seats, ...kind.rules }, kind.score),
      slots: Array.from({ length: seats }, (_, i) => ({
        value: series(kind.metric, { slot: String(i + 1) }),
        pid: series("alluse_top_pid", { ranking: kind.measure, slot: String(i + 1) }),
        occupant: null,
        info: null,
        infoName: "",
      })),
    }));
  }

  leave(process: Process): void {
    for (const { seats } of this.rankings) seats.leave(process);
  }

  settle(processes: Iterable<Process>): void {
    const { rankings } = this;
    for (const process of processes)
      if (!process.isKernel || process.cpuCalm > 0) for (const { seats } of rankings) seats.propose(process);
    for (const { seats } of rankings) seats.settle();
  }

  /** Visits everyone who sits; who sits twice, twice. */
  each(visit: (process: Process, measure: Measure, value: number) => void): void {
    for (const { kind, seats } of this.rankings)
      for (const process of seats.occupants) if (process) visit(process, kind.measure, kind.value(process));
  }

  report(out: Columns): void {
    for (const { kind, seats, slots } of this.rankings) {
      for (let i = 0; i < slots.length; i++) {
        const slot = slots[i];
        const process = seats.occupants[i];
        if (process !== slot.occupant || (process && process.name !== slot.infoName)) this.change(out, kind, i, slot, process);
        if (process === null) continue;
        out.push(slot.value, kind.value(process));
        out.push(slot.pid, process.pid);
        if (slot.info !== null) out.push(slot.info, 1);
      }
    }
  }

  private change(out: Columns, { measure }: Kind, index: number, slot: Slot, process: Process | null): void {
    const before = slot.info;
    if (process === null) {
      out.pushStale(slot.value);
      out.pushStale(slot.pid);
    }
    slot.occupant = process;
    slot.infoName = process?.name ?? "";
    slot.info =
      process && this.series("alluse_top_info", { ranking: measure, slot: String(index + 1), program: this.label(process.name) });
    if (before !== null && before !== slot.info) out.pushStale(before);
  }
}
