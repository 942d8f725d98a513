import type { Labels } from "./series.ts";

/** What a claim rests on: enough for anyone to look at the same numbers. */
export interface Evidence {
  /** A PromQL expression that shows the series meant. */
  readonly expr: string;
  readonly fromMs: number;
  readonly toMs: number;
  /** How the numbers came about, in one phrase: "EWMA at 3 time scales", "least squares over 5 min". */
  readonly method: string;
  /** Named figures, each with its unit as the last word of the name: `used_bytes`, `slope_bytes_per_second`, `usual_high`. */
  readonly numbers: Readonly<Record<string, number>>;
}

export type Severity = "info" | "attention" | "critical";

export type FindingKind = "anomaly" | "change" | "trend" | "pattern" | "breach";

/** Something an analytics or model plugin noticed. The same `id` published again is an update (an end, a higher score). */
export interface Finding {
  readonly id: string;
  readonly kind: FindingKind;
  /** The plugin that found it. Set by the host. */
  readonly source?: string;
  readonly metric: string;
  readonly labels: Labels;
  readonly startMs: number;
  /** null while it goes on. */
  readonly endMs: number | null;
  /** 0..1; `score >= 1 - p` is exceeded by normal data with probability about p. */
  readonly score: number;
  readonly severity: Severity;
  /** One sentence. */
  readonly summary: string;
  readonly evidence: readonly Evidence[];
}

/** A quantity expected after an action, with its interval. */
export interface Effect {
  readonly what: string;
  readonly unit: string;
  readonly low: number;
  readonly expected: number;
  readonly high: number;
}

export interface RecommendedAction {
  /** What would be done, as a stable word: `free_disk_space`. Two recommendations of one key conflict when these differ. */
  readonly kind: string;
  /** The same as an instruction in one sentence. */
  readonly text: string;
}

/** What a recommender proposes. */
export interface Recommendation {
  /** Names the resource and the axis it would move: `disk:/data:free`. One recommendation a key is open at a time. */
  readonly key: string;
  readonly severity: Severity;
  /** One sentence: what is or will be the matter. */
  readonly title: string;
  readonly reason: string;
  readonly action: RecommendedAction;
  /** 0..1 */
  readonly confidence: number;
  readonly effect?: Effect;
  readonly evidence: readonly Evidence[];
  /** From when on it no longer holds unless it is given again. */
  readonly expiresMs: number;
}

/** A forecast: at `timestampsMs[i]` the value is expected at `expected[i]`, within low..high with probability `level`. */
export interface Forecast {
  readonly timestampsMs: Float64Array;
  readonly expected: Float64Array;
  readonly low: Float64Array;
  readonly high: Float64Array;
  readonly level: number;
  readonly method: string;
}
