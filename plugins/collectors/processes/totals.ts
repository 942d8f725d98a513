import fs from "node:fs";
import type { SeriesId } from "all-use-agent/sdk";
import type { Columns, Series } from "./columns.ts";
import type { Process } from "./process.ts";

/** Reports until a limit is read again. */
const LIMITS_EVERY = 60;

/** How many there are of everything, under the names of node exporter's `processes` collector. */
export class Totals {
  private readonly procPath: string;
  private readonly series: Series;
  private readonly states = new Map<number, { id: SeriesId; count: number }>();
  private readonly limits: { readonly path: string; readonly id: SeriesId; value: number }[];
  private readonly pids: SeriesId;
  private readonly threads: SeriesId;
  private reports = 0;

  constructor(procPath: string, series: Series) {
    this.procPath = procPath;
    this.series = series;
    this.pids = series("node_processes_pids");
    this.threads = series("node_processes_threads");
    this.limits = [
      { path: "sys/kernel/pid_max", id: series("node_processes_max_processes"), value: NaN },
      { path: "sys/kernel/threads-max", id: series("node_processes_max_threads"), value: NaN },
    ];
  }

  /** `unread` processes are known only by number. */
  report(out: Columns, processes: ReadonlyMap<number, Process>, unread: number): void {
    let threads = 0;
    for (const state of this.states.values()) state.count = 0;
    for (const process of processes.values()) {
      threads += process.threads;
      this.state(process.state).count++;
    }
    out.push(this.pids, processes.size + unread);
    out.push(this.threads, threads + unread);
    for (const { id, count } of this.states.values()) out.push(id, count);
    if (this.reports++ % LIMITS_EVERY === 0) for (const limit of this.limits) limit.value = this.readLimit(limit.path);
    for (const { id, value } of this.limits) if (value > 0) out.push(id, value);
  }

  /** A state that was seen once is reported on, with 0. */
  private state(letter: number): { id: SeriesId; count: number } {
    let state = this.states.get(letter);
    if (!state) {
      state = { id: this.series("node_processes_state", { state: String.fromCharCode(letter) }), count: 0 };
      this.states.set(letter, state);
    }
    return state;
  }

  private readLimit(path: string): number {
    try {
      return Number(fs.readFileSync(`${this.procPath}/${path}`, "latin1"));
    } catch {
      return NaN;
    }
  }
}
