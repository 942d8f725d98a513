import type { QueryRow } from "all-use-agent/sdk";

/** What the processes collector says of who is among the largest. */
export const WITNESSES = '{__name__=~"alluse_top_.+"}';

export interface Witness {
  readonly program: string;
  readonly pid: number | null;
  /** Of one processor, bytes, bytes a second, numbers: as far as the process is among the largest by that. */
  readonly values: Readonly<Record<string, number>>;
}

const MEASURES: Readonly<Record<string, string>> = {
  alluse_top_cpu_ratio: "cpu",
  alluse_top_memory_bytes: "memory",
  alluse_top_io_bytes_per_second: "io",
  alluse_top_threads: "threads",
  alluse_top_open_files: "files",
};

/** Puts the slots' series together again: one entry a process, those with the most CPU first. */
export function witnessesOf(rows: readonly QueryRow[]): Witness[] {
  const seats = new Map<string, { program: string; pid: number | null; measure: string; value: number }>();
  const seat = (measure: string, slot: string): { program: string; pid: number | null; measure: string; value: number } => {
    const key = `${measure} ${slot}`;
    let one = seats.get(key);
    if (!one) seats.set(key, (one = { program: "", pid: null, measure, value: NaN }));
    return one;
  };
  for (const { labels, value } of rows) {
    const slot = labels["slot"];
    const name = labels["__name__"];
    if (slot === undefined || name === undefined) continue;
    const measure = MEASURES[name];
    if (measure !== undefined) seat(measure, slot).value = value;
    else if (labels["ranking"] === undefined) continue;
    else if (name === "alluse_top_pid") seat(labels["ranking"], slot).pid = value;
    else if (name === "alluse_top_info") seat(labels["ranking"], slot).program = labels["program"] ?? "";
  }
  const processes = new Map<string, { program: string; pid: number | null; values: Record<string, number> }>();
  for (const { program, pid, measure, value } of seats.values()) {
    if (Number.isNaN(value)) continue;
    const key = `${pid ?? ""} ${program}`;
    let one = processes.get(key);
    if (!one) processes.set(key, (one = { program, pid, values: {} }));
    one.values[measure] = value;
  }
  return [...processes.values()].sort((a, b) => (b.values["cpu"] ?? 0) - (a.values["cpu"] ?? 0));
}
