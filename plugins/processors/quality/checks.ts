import { compileSelector, type SeriesInfo } from "all-use-agent/sdk";
import {
  DECREASED_COUNTER,
  NEGATIVE_COUNTER,
  OUTSIDE_RANGE,
  RANGE,
  RATE,
  RATIO,
  STATE,
  TOO_FAST,
  VIOLATIONS,
} from "./reasons.ts";

export interface QualityRule {
  readonly series: string;
  readonly min?: number;
  readonly max?: number;
  readonly max_rate_per_s?: number;
  readonly interval_ms?: number;
  readonly action: "count" | "drop";
}

/** What a series' values are held against: nothing below 0; rule n is FIRST_RULE + n. */
const PLAIN = -1;
const COUNTER = 1;
const RATIO_CHECK = 2;
const STATE_CHECK = 3;
const FIRST_RULE = 4;
const KEEP = -1;

/** Rounding of a quotient. */
const RATIO_SLACK = 1e-9;

/** Holds values against what their series is declared to be, and against the operator's rules. */
export class Checks {
  readonly violations = new Float64Array(VIOLATIONS.length);
  private readonly rules: { readonly rule: QualityRule; readonly fits: (info: SeriesInfo) => boolean }[];

  /** Throws `selector_invalid`. */
  constructor(rules: readonly QualityRule[]) {
    this.rules = rules.map((rule) => ({ rule, fits: compileSelector(rule.series) }));
  }

  /** What is checked of a series: a number below 0 says nothing is. */
  codeOf(info: SeriesInfo): number {
    const rule = this.rules.findIndex(({ fits }) => fits(info));
    if (rule >= 0) return FIRST_RULE + rule;
    if (info.type === "counter") return COUNTER;
    if (info.type === "state") return STATE_CHECK;
    return info.unit === "ratio" && info.type === "gauge" ? RATIO_CHECK : PLAIN;
  }

  /** What the operator says the interval of a series with this code is, or NaN. */
  intervalOf(code: number): number {
    return (code >= FIRST_RULE ? this.rules[code - FIRST_RULE].rule.interval_ms : undefined) ?? NaN;
  }

  /**
   * The reason to drop a value, or a number below 0; `violates` says whether it is at odds with anything. `before`: the series' last value,
   * minus infinity at first, `gapMs` after it.
   */
  judge(code: number, value: number, before: number, gapMs: number): number {
    if (code === COUNTER && value >= before && value >= 0) {
      this.violates = false;
      return KEEP;
    }
    this.violates = true;
    if (code === COUNTER) {
      if (value < 0) return this.count(NEGATIVE_COUNTER);
      // Begun anew it is far below what it was; a little below, somebody counted back.
      if (value > before / 2) return this.count(DECREASED_COUNTER);
    } else if (code === RATIO_CHECK) {
      if (value < -RATIO_SLACK || value > 1 + RATIO_SLACK) return this.count(RATIO);
    } else if (code === STATE_CHECK) {
      if (value !== 0 && value !== 1) return this.count(STATE);
    } else {
      const { min = -Infinity, max = Infinity, max_rate_per_s: fastest = Infinity, action } = this.rules[code - FIRST_RULE].rule;
      const dropped = action === "drop";
      if (value < min || value > max) return dropped ? RANGE : this.count(OUTSIDE_RANGE);
      if (gapMs < Infinity && (Math.abs(value - before) * 1000) / gapMs > fastest) return dropped ? RATE : this.count(TOO_FAST);
    }
    this.violates = false;
    return KEEP;
  }

  violates = false;

  private count(violation: number): number {
    this.violations[violation]++;
    return KEEP;
  }
}
