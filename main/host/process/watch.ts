import { AgentError } from "all-use-agent/sdk";
import { ProcessUsage } from "./usage.ts";

const LOOK_MS = 250;
/** Looks without a word after which it is asked for one: a collector that answers every second is never asked. */
const PING_AFTER_LOOKS = 5;
/**
 * 1.75 to 2 s without a word, of which it had at least 0.75 to answer. Counted in looks, not in time: when the agent itself was
 * held up the child is not to blame.
 */
const SILENT_LOOKS_MAX = 7;
/** Far below its budget its memory is looked at every so many looks. */
const CALM_LOOKS = 4;
const CALM_SHARE = 0.5;

export interface Watched {
  readonly pid: number;
  readonly budgetBytes: number;
  ping(): void;
  /** It must be ended: it is silent or over its budget. */
  exceeded(error: AgentError): void;
}

const watches = new Set<ProcessWatch>();
let timer: NodeJS.Timeout | undefined;

/** Watches one process: its signs of life, and its memory once to four times a second. One timer serves all. */
export class ProcessWatch {
  residentBytes = 0;
  private readonly watched: Watched;
  private readonly usage: ProcessUsage;
  private lastCpuMs = 0;
  /** What the process took before the plugin's code was loaded. */
  private baseBytes = 0;
  private looks = 0;
  private silentLooks = 0;

  constructor(watched: Watched) {
    this.watched = watched;
    this.usage = new ProcessUsage(watched.pid);
    this.look();
    this.baseBytes = this.residentBytes;
    watches.add(this);
    timer ??= setInterval(() => {
      for (const watch of watches) watch.tick();
    }, LOOK_MS);
  }

  get cpuMs(): number {
    return (this.lastCpuMs = this.usage.cpuMs() ?? this.lastCpuMs);
  }

  dispose(): void {
    watches.delete(this);
    this.usage.dispose();
    if (watches.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  }

  /** It answered. What it merely says is no sign: code that never returns can write. */
  heard(): void {
    this.silentLooks = 0;
  }

  /** It answered a ping. Where there is no /proc to look at, what it says of itself there is its own word. */
  answered(residentBytes: unknown, cpuMs: unknown): void {
    this.heard();
    if (process.platform === "linux" || typeof residentBytes !== "number" || typeof cpuMs !== "number") return;
    this.residentBytes = residentBytes;
    this.lastCpuMs = cpuMs;
    this.baseBytes ||= residentBytes;
  }

  private tick(): void {
    const { budgetBytes } = this.watched;
    const calm = this.residentBytes < this.baseBytes + budgetBytes * CALM_SHARE;
    if (this.looks++ % CALM_LOOKS === 0 || !calm) this.look();
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
      return this.watched.exceeded(new AgentError("silent", "it gave no sign of life for 2 s: its code does not return"));
    // Where there is no /proc, its answer is how its memory is known.
    if (this.silentLooks === PING_AFTER_LOOKS || (process.platform !== "linux" && this.looks % 2 === 0)) this.watched.ping();
  }

  private look(): void {
    this.residentBytes = this.usage.residentBytes() ?? this.residentBytes;
  }
}

function megabytes(bytes: number): number {
  return Math.round(bytes / 1024 / 1024);
}
