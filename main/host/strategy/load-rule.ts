/** 0: nothing is the matter, 3: the agent hardly gets on. */
export type LoadLevel = 0 | 1 | 2 | 3;

/** What the agent and its machine are under, in the mean of some seconds. null: not known here. */
export interface LoadReading {
  /** Of the agent's event loop, 99 of 100 times less. */
  readonly delayP99Ms: number;
  /** Of one core, 0 to 1 and beyond. */
  readonly cpuShare: number;
  readonly residentBytes: number;
  /** Part of the time in which some task waited for a CPU: /proc/pressure/cpu, avg10. 0 to 1. */
  readonly cpuPressure: number | null;
  /** Part of the time in which all tasks waited for memory: /proc/pressure/memory full, avg10. 0 to 1. */
  readonly memoryPressure: number | null;
}

/**
 * From which value on a reading means which level. What others do to the machine is worth less than what the agent does to itself:
 * a busy machine is what it is there to watch.
 */
const LIMITS: Readonly<Record<keyof LoadReading, readonly number[]>> = {
  delayP99Ms: [100, 300, 1000],
  cpuShare: [0.6, 0.9],
  // The headless agent needs 75 MB; imports and queries take more for a while.
  residentBytes: [300 * 2 ** 20, 600 * 2 ** 20],
  cpuPressure: [0.6],
  memoryPressure: [0.1, 0.4],
};

const WORDS: Readonly<Record<keyof LoadReading, (value: number) => string>> = {
  delayP99Ms: (value) => `its event loop is ${value.toFixed(0)} ms late`,
  cpuShare: (value) => `it uses ${(value * 100).toFixed(0)} % of a core`,
  residentBytes: (value) => `it holds ${(value / 2 ** 20).toFixed(0)} MB of memory`,
  cpuPressure: (value) => `tasks of this machine wait for a CPU ${(value * 100).toFixed(0)} % of the time`,
  memoryPressure: (value) => `the machine stands still for want of memory ${(value * 100).toFixed(0)} % of the time`,
};

/** A burst is no load: so many looks in a row must find it. */
const LOOKS_TO_RISE = 2;
/** So long it must have been easier before the level falls, by one. */
const CALM_MS = 30_000;

/**
 * How loaded the agent is, with hysteresis: up when two looks in a row find it, by as much as both do; down by one after half a
 * minute in which all looks found less. Times are monotonic milliseconds.
 */
export class LoadRule {
  level: LoadLevel = 0;
  /** Why, in a sentence; null at level 0. */
  reason: string | null = null;
  private higher: LoadLevel[] = [];
  private calmSinceMs: number | null = null;

  /** Returns whether the level is another than before. */
  look(nowMs: number, reading: LoadReading): boolean {
    const { level, reason } = judge(reading);
    if (level > this.level) {
      this.calmSinceMs = null;
      this.higher.push(level);
      if (this.higher.length < LOOKS_TO_RISE) return false;
      this.level = Math.min(...this.higher) as LoadLevel;
      this.reason = reason;
      this.higher = [];
      return true;
    }
    this.higher = [];
    if (level === this.level) {
      this.calmSinceMs = null;
      this.reason = reason;
      return false;
    }
    this.calmSinceMs ??= nowMs;
    if (nowMs - this.calmSinceMs < CALM_MS) return false;
    this.level--;
    if (level > 0) this.reason = reason;
    else this.reason = this.level === 0 ? null : "it was under more load a moment ago";
    this.calmSinceMs = nowMs;
    return true;
  }
}

function judge(reading: LoadReading): { level: LoadLevel; reason: string | null } {
  let level = 0;
  let reason: string | null = null;
  for (const [name, limits] of Object.entries(LIMITS) as [keyof LoadReading, readonly number[]][]) {
    const value = reading[name];
    if (value === null) continue;
    const reached = limits.filter((limit) => value >= limit).length;
    if (reached <= level) continue;
    level = reached;
    reason = WORDS[name](value);
  }
  return { level: level as LoadLevel, reason };
}
