/** This machine's own word on what the agent measures, in the units of the metric. Linux only. */
import { readdirSync, readFileSync, statfsSync } from "node:fs";

/** CPU seconds by `cpu` number and mode, as `node_cpu_seconds_total` counts them. */
export function readCpuSeconds(cpu: number, mode: "user" | "system" | "idle"): number {
  const line = new RegExp(`^cpu${cpu} (.*)$`, "m").exec(readFileSync("/proc/stat", "utf8"))?.[1] ?? "";
  const column = { user: 0, system: 2, idle: 3 }[mode];
  return Number(line.split(" ")[column]) / 100;
}

export function readMemoryAvailableBytes(): number {
  return Number(/^MemAvailable:\s+(\d+) kB$/m.exec(readFileSync("/proc/meminfo", "utf8"))?.[1]) * 1024;
}

export function readLoad1(): number {
  return Number(readFileSync("/proc/loadavg", "utf8").split(" ")[0]);
}

export function readFilesystemAvailBytes(mountpoint: string): number {
  const { bavail, bsize } = statfsSync(mountpoint);
  return bavail * bsize;
}

/** Bytes received by device. */
export function readNetworkReceiveBytes(): Map<string, number> {
  const bytes = new Map<string, number>();
  for (const line of readFileSync("/proc/net/dev", "utf8").split("\n").slice(2)) {
    const [device, rest] = line.split(":");
    if (device !== undefined && rest !== undefined) bytes.set(device.trim(), Number(rest.trim().split(/\s+/)[0]));
  }
  return bytes;
}

/** Memory of a process that it shares with no other, in bytes. */
export function readPrivateBytes(pid: number): number {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, "latin1");
  const kilobytes = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(text)?.[1]);
  return (kilobytes("Private_Clean") + kilobytes("Private_Dirty")) * 1024;
}

/** CPU that a process's threads took since its start, in ms, as the scheduler counts it: clock ticks are too coarse. */
export function readCpuMs(pid: number): number {
  const threads = readdirSync(`/proc/${pid}/task`);
  const nanoseconds = threads.map((id) => Number(readFileSync(`/proc/${pid}/task/${id}/schedstat`, "latin1").split(" ")[0]));
  return nanoseconds.reduce((sum, one) => sum + one, 0) / 1e6;
}
