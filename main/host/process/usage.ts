import { readFileSync } from "node:fs";

export interface ProcessUsage {
  readonly residentBytes: number;
  readonly cpuMs: number;
}

/** Of a clock tick in /proc, on every Linux that Node runs on. */
const TICK_MS = 10;

/** Memory and CPU of a process from /proc, or null where there is none or the process is gone. */
export function processUsage(pid: number): ProcessUsage | null {
  if (process.platform !== "linux") return null;
  try {
    const resident = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"));
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return { cpuMs: (Number(fields[11]) + Number(fields[12])) * TICK_MS, residentBytes: Number(resident?.[1] ?? 0) * 1024 };
  } catch {
    return null;
  }
}
