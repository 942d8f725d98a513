import { closeSync, openSync, readFileSync, readSync } from "node:fs";

/** Of a clock tick in /proc, on every Linux that Node runs on. */
const TICK_MS = 10;
const bytes = Buffer.alloc(128);
let pageBytes = 0;

/** What one process uses, from /proc. Its memory is read through a kept descriptor: a few microseconds. */
export class ProcessUsage {
  private readonly pid: number;
  private readonly statm: number | null;

  constructor(pid: number) {
    this.pid = pid;
    this.statm = process.platform === "linux" ? openOrNull(`/proc/${pid}/statm`) : null;
    if (this.statm !== null) pageBytes ||= measurePage();
  }

  /** null where there is no /proc, or the process is gone. */
  residentBytes(): number | null {
    if (this.statm === null) return null;
    try {
      const length = readSync(this.statm, bytes, 0, bytes.length, 0);
      return Number(bytes.toString("latin1", 0, length).split(" ")[1]) * pageBytes;
    } catch {
      return null;
    }
  }

  cpuMs(): number | null {
    if (this.statm === null) return null;
    try {
      const stat = readFileSync(`/proc/${this.pid}/stat`, "latin1");
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
    } catch {
      return null;
    }
  }

  dispose(): void {
    if (this.statm !== null) closeSync(this.statm);
  }
}

function openOrNull(path: string): number | null {
  try {
    return openSync(path, "r");
  } catch {
    return null;
  }
}

/** 4, 16 or 64 KB: what this process's own figures say. */
export function measurePage(): number {
  const pages = Number(readFileSync("/proc/self/statm", "latin1").split(" ")[1]);
  return 2 ** Math.round(Math.log2(process.memoryUsage.rss() / pages));
}
