import { AgentError } from "all-use-agent/sdk";
import { ProcessUsage } from "./usage.ts";

const LOOK_MS = 250;
const PING_LOOKS = 2;
/** 1.5 s without an answer. Counted in looks, not in time: when the agent itself was held up the child is not to blame. */
const SILENT_LOOKS_MAX = 6;

export interface Watched {
  readonly pid: number;
  readonly budgetBytes: number;
  ping(count: number): void;
  /** It must be ended: it is silent or over its budget. */
  exceeded(error: AgentError): void;
}

/** Watches one process: asks for a sign of life twice a second and looks at its memory four times. */
export class ProcessWatch {
  residentBytes = 0;
  private readonly watched: Watched;
  private readonly usage: ProcessUsage;
  private lastCpuMs = 0;
  private readonly timer: NodeJS.Timeout;
  /** What the process took before the plugin's code was loaded. */
  private baseBytes = 0;
  private looks = 0;
  private asked = 0;
  private silentLooks = 0;

  constructor(watched: Watched) {
    this.watched = watched;
    this.usage = new ProcessUsage(watched.pid);
    this.look();
    this.baseBytes = this.residentBytes;
    this.timer = setInterval(() => this.tick(), LOOK_MS);
  }

  get cpuMs(): number {
    return (this.lastCpuMs = this.usage.cpuMs() ?? this.lastCpuMs);
  }

  dispose(): void {
    clearInterval(this.timer);
    this.usage.dispose();
  }

  /** The process says where there is no /proc to look at; what it says there is its own word. */
  answered(count: unknown, residentBytes: unknown, cpuMs: unknown): void {
    if (count === this.asked) this.silentLooks = 0;
    if (process.platform === "linux" || typeof residentBytes !== "number" || typeof cpuMs !== "number") return;
    this.residentBytes = residentBytes;
    this.lastCpuMs = cpuMs;
    this.baseBytes ||= residentBytes;
  }

  private tick(): void {
    this.look();
    const { budgetBytes } = this.watched;
    if (this.residentBytes > this.baseBytes + budgetBytes) {
      const used = megabytes(this.residentBytes - this.baseBytes);
      return this.watched.exceeded(
        new AgentError(
          "memory_exceeded",
          `it used ${used} MB of memory; its budget is ${megabytes(budgetBytes)} MB (budget.memory_mb)`,
        ),
      );
    }
    if (++this.silentLooks > SILENT_LOOKS_MAX)
      return this.watched.exceeded(new AgentError("silent", "it gave no sign of life for 1.5 s: its code does not return"));
    if (this.looks++ % PING_LOOKS === 0) this.watched.ping(++this.asked);
  }

  private look(): void {
    this.residentBytes = this.usage.residentBytes() ?? this.residentBytes;
  }
}

function megabytes(bytes: number): number {
  return Math.round(bytes / 1024 / 1024);
}
