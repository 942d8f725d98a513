import { readdirSync, readFileSync } from "node:fs";
import { measurePage } from "../process/usage.ts";

/** Of a clock tick in /proc, on every Linux that Node runs on. */
const TICK_MS = 10;
/** A program that starts more than this is not counted to its end. */
const COUNTED_MAX = 1000;

/** What a program and all it started use. Zeros where there is no /proc. */
export interface GroupUsage {
  readonly processes: number;
  /** Their own pages, and those that they may share (programs and libraries) of the largest: the same libraries count once. */
  readonly residentBytes: number;
  /** Of those that live, and those that ended and were waited for. */
  readonly cpuMs: number;
}

let pageBytes = 0;

export function groupUsage(pid: number): GroupUsage {
  const found = family(pid);
  let ownPages = 0;
  let sharedPages = 0;
  let cpuMs = 0;
  for (const member of found) {
    const [resident, shared] = pagesOf(member);
    ownPages += resident - shared;
    sharedPages = Math.max(sharedPages, shared);
    cpuMs += cpuOf(member, [11, 12, 13, 14]);
  }
  if (found.length > 0) pageBytes ||= measurePage();
  return { processes: found.length, residentBytes: (ownPages + sharedPages) * pageBytes, cpuMs };
}

function pagesOf(pid: number): [resident: number, shared: number] {
  try {
    const fields = readFileSync(`/proc/${pid}/statm`, "latin1").split(" ");
    return [Number(fields[1]), Number(fields[2])];
  } catch {
    return [0, 0];
  }
}

/** A process and its descendants, as far as /proc knows who started whom. */
export function family(pid: number): number[] {
  if (process.platform !== "linux") return [];
  const found = [pid];
  for (let i = 0; i < found.length && found.length < COUNTED_MAX; i++) {
    try {
      const threads = readdirSync(`/proc/${found[i]}/task`);
      for (const thread of threads) {
        const children = readFileSync(`/proc/${found[i]}/task/${thread}/children`, "latin1").trim();
        if (children !== "") found.push(...children.split(" ").map(Number));
      }
    } catch {
      // It ended meanwhile.
    }
  }
  return found;
}

let seenMs = 0;
let open = 0;

/**
 * Charges the CPU of programs that end to those who started them: the system only tells what all ended children of the agent took
 * together. Programs that end in the same moment may be taken for each other.
 */
export class EndedCpu {
  private over = false;

  constructor() {
    if (open++ === 0) seenMs = endedChildrenMs();
  }

  /** To be called once, when the program has ended: what it took, in ms. */
  take(): number {
    if (this.over) return 0;
    this.over = true;
    open--;
    const nowMs = endedChildrenMs();
    const tookMs = nowMs - seenMs;
    seenMs = nowMs;
    return tookMs;
  }
}

function endedChildrenMs(): number {
  return process.platform === "linux" ? cpuOf("self", [13, 14]) : 0;
}

/** The sum of fields of /proc/<pid>/stat, counted from the one after the program's name. */
function cpuOf(pid: number | "self", fields: readonly number[]): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    const all = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields.reduce((sum, field) => sum + Number(all[field]) * TICK_MS, 0);
  } catch {
    return 0;
  }
}
