import { readdir, readFile, readlink } from "node:fs/promises";
import { basename } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

export interface Busy {
  readonly pid: number;
  /** The command's name as the kernel has it (at most 15 characters), or the program's file name; never its arguments. */
  readonly name: string;
  /** Of one core. */
  readonly cpuPercent: number;
  readonly residentBytes: number;
}

/** What Node.js and others call their first thread, which is then the process's name as well: the program's file says more. */
const NO_NAME = "MainThread";
/** Of the busiest so many are given their program's name instead. */
const RENAMED_MAX = 16;
const BETWEEN_MS = 200;
const PROCESSES_MAX = 4096;
/** Reads under way at once. */
const PARALLEL = 32;
/** USER_HZ; 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;
/** Fields of /proc/<pid>/stat after the closing parenthesis of the name, counted from 0 (proc(5) counts the state as 3). */
const UTIME = 11;
const STIME = 12;
const RSS = 21;

interface Reading {
  readonly name: string;
  readonly ticks: number;
  readonly residentPages: number;
}

function parse(text: string): Reading | null {
  const open = text.indexOf("(");
  const close = text.lastIndexOf(")");
  if (open < 0 || close < open) return null;
  const fields = text.slice(close + 2).split(" ");
  const ticks = Number(fields[UTIME]) + Number(fields[STIME]);
  const residentPages = Number(fields[RSS]);
  return Number.isFinite(ticks) && residentPages >= 0 ? { name: text.slice(open + 1, close), ticks, residentPages } : null;
}

async function readAll(root: string, pids: readonly string[], signal: AbortSignal): Promise<Map<string, Reading>> {
  const readings = new Map<string, Reading>();
  for (let i = 0; i < pids.length; i += PARALLEL) {
    signal.throwIfAborted();
    await Promise.all(
      pids.slice(i, i + PARALLEL).map(async (pid) => {
        // A process that ended meanwhile is simply not there.
        const text = await readFile(`${root}/${pid}/stat`, "latin1").catch(() => "");
        const reading = parse(text);
        if (reading) readings.set(pid, reading);
      }),
    );
  }
  return readings;
}

/** Bytes of a page, from what this process has in both units: 4, 16 or 64 KiB. */
async function pageBytes(): Promise<number> {
  const own = parse(await readFile("/proc/self/stat", "latin1"));
  const ratio = own && own.residentPages > 0 ? process.memoryUsage.rss() / own.residentPages : 4096;
  return 2 ** Math.round(Math.log2(ratio));
}

/**
 * What each process does right now, from two looks 200 ms apart; the busiest first. Linux only: elsewhere, or where /proc cannot be
 * read, the list is empty.
 */
export async function busiest(signal: AbortSignal, root = "/proc"): Promise<Busy[]> {
  if (process.platform !== "linux") return [];
  let names: string[];
  try {
    names = await readdir(root);
  } catch {
    return [];
  }
  const pids = names.filter((name) => /^\d+$/.test(name)).slice(0, PROCESSES_MAX);
  const startMs = performance.now();
  const before = await readAll(root, pids, signal);
  await sleep(BETWEEN_MS, undefined, { signal });
  const after = await readAll(root, [...before.keys()], signal);
  const seconds = (performance.now() - startMs) / 1000;
  const page = await pageBytes().catch(() => 4096);
  const list: Busy[] = [];
  for (const [pid, now] of after) {
    const then = before.get(pid);
    if (!then || then.name !== now.name) continue;
    const cpuPercent = (100 * (now.ticks - then.ticks)) / TICKS_PER_SECOND / seconds;
    list.push({ pid: Number(pid), name: now.name, cpuPercent, residentBytes: now.residentPages * page });
  }
  list.sort((a, b) => b.cpuPercent - a.cpuPercent || b.residentBytes - a.residentBytes);
  return await Promise.all(
    list.map(async (one, rank) => (one.name === NO_NAME && rank < RENAMED_MAX ? renamed(root, one) : one)),
  );
}

async function renamed(root: string, one: Busy): Promise<Busy> {
  const program = await readlink(`${root}/${one.pid}/exe`).catch(() => "");
  return program ? { ...one, name: basename(program) } : one;
}
