import type { Priority, STRATEGY_TOPICS } from "all-use-agent/sdk";

/** What all strategies have. Times are milliseconds. */
interface CommonStrategy {
  /** Of periodic readings, and of what else has a pace. */
  readonly intervalMs: number;
  readonly jitterMs: number;
  readonly phaseMs: number;
  /** null: the interval in force, at least a second. */
  readonly deadlineMs: number | null;
  readonly priority: Priority;
  /** `assumed`: its permissions say so; then one request must have failed before it counts as offline. */
  readonly network: "required" | "assumed" | "none";
  readonly retry: RetryLimits;
  readonly circuit: CircuitLimits;
  /** What of it stands in plugin.json alone: an installed plugin may watch only what it may read. */
  readonly ofManifest: ReadonlySet<string>;
}

export interface RetryLimits {
  /** Of one reading, the first among them. */
  readonly attempts: number;
  readonly baseMs: number;
  readonly maxMs: number;
}

export interface CircuitLimits {
  readonly maxTicks: number;
  readonly openAfter: number;
  /** null: once in `maxTicks`. */
  readonly probeMs: number | null;
}

export interface AdaptiveLimits {
  readonly minMs: number;
  readonly maxMs: number;
  readonly stableReadings: number;
  readonly holdMs: number;
  readonly batteryFactor: number;
}

export interface EventLimits {
  readonly debounceMs: number;
  /** Between two readings. */
  readonly minMs: number;
}

export interface PeriodicStrategy extends CommonStrategy {
  readonly mode: "periodic";
}

export interface AdaptiveStrategy extends CommonStrategy, AdaptiveLimits {
  readonly mode: "adaptive";
  readonly tolerance: number;
}

export interface EventStrategy extends CommonStrategy, EventLimits {
  readonly mode: "event";
  readonly on: readonly (typeof STRATEGY_TOPICS)[number][];
  /** Absolute path of a file. */
  readonly watch: string | null;
  /** Also read so often; null: only upon events. */
  readonly heartbeatMs: number | null;
}

export interface ThresholdStrategy extends CommonStrategy {
  readonly mode: "threshold";
  readonly when: string;
  readonly checkMs: number;
  readonly forMs: number;
  readonly idleMs: number | null;
}

export interface DemandStrategy extends CommonStrategy {
  readonly mode: "on_demand";
}

/** How one collector is read: checked, complete. */
export type Strategy = PeriodicStrategy | AdaptiveStrategy | EventStrategy | ThresholdStrategy | DemandStrategy;

/** How often it is read now, and why. null: not at intervals. */
export interface Pace {
  readonly intervalMs: number | null;
  readonly reason: string;
}
