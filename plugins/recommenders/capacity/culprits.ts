import type { Evidence } from "all-use-agent/sdk";
import { type Busy, busiest } from "./processes.ts";
import { figures, sayBytes } from "./words.ts";

/** While advice stays open, processes are looked at again after this time: a look costs a read of every /proc/<pid>/stat. */
const LOOK_AGAIN_MS = 30_000;
const NAMED = 3;
/** Of one core; who uses less is not named. */
const BUSY_PERCENT = 15;

export interface Named {
  /** A sentence with a leading blank, or nothing. */
  readonly text: string;
  /** The first of them as "node (pid 123)". */
  readonly first: string | null;
  readonly evidence: readonly Evidence[];
}

const NOBODY: Named = { text: "", first: null, evidence: [] };

/** Names the processes behind a shortage, at most once in a while. */
export class Culprits {
  private readonly enabled: boolean;
  private readonly look: (signal: AbortSignal) => Promise<Busy[]>;
  private list: Busy[] = [];
  private lookedMs = -Infinity;

  constructor(enabled: boolean, look: (signal: AbortSignal) => Promise<Busy[]> = busiest) {
    this.enabled = enabled;
    this.look = look;
  }

  async busy(nowMs: number, signal: AbortSignal): Promise<Named> {
    await this.refresh(nowMs, signal);
    const top = this.list.filter((process) => process.cpuPercent >= BUSY_PERCENT).slice(0, NAMED);
    if (top.length === 0) return NOBODY;
    const text = ` Busiest: ${top.map((p) => `${who(p)} ${figures(Math.round(p.cpuPercent))} % of a core`).join(", ")}.`;
    return {
      text,
      first: who(top[0]),
      evidence: [this.evidence("CPU time of processes over 200 ms", top, (p) => ["percent", p.cpuPercent])],
    };
  }

  async largest(nowMs: number, signal: AbortSignal): Promise<Named> {
    await this.refresh(nowMs, signal);
    const top = this.list.toSorted((a, b) => b.residentBytes - a.residentBytes).slice(0, NAMED);
    if (top.length === 0) return NOBODY;
    const text = ` Largest: ${top.map((p) => `${who(p)} ${sayBytes(p.residentBytes)}`).join(", ")}.`;
    return {
      text,
      first: who(top[0]),
      evidence: [this.evidence("resident memory of processes", top, (p) => ["bytes", p.residentBytes])],
    };
  }

  private async refresh(nowMs: number, signal: AbortSignal): Promise<void> {
    if (!this.enabled || (nowMs - this.lookedMs < LOOK_AGAIN_MS && nowMs >= this.lookedMs)) return;
    this.lookedMs = nowMs;
    this.list = await this.look(signal);
  }

  private evidence(method: string, top: readonly Busy[], number: (process: Busy) => [string, number]): Evidence {
    const numbers: Record<string, number> = {};
    for (const process of top) {
      const [unit, value] = number(process);
      numbers[`${process.name.replace(/\W+/g, "_")}_pid_${process.pid}_${unit}`] = value;
    }
    return {
      expr: "node_procs_running",
      fromMs: this.lookedMs,
      toMs: this.lookedMs + 200,
      method: `${method}, from /proc/<pid>/stat`,
      numbers,
    };
  }
}

function who(process: Busy): string {
  return `${process.name} (pid ${process.pid})`;
}
