import type { Recommendation } from "all-use-agent/sdk";

/** Advice that is not given any more is repeated this long, so that a condition at its limit does not flicker on the page. */
const HOLD_MS = 12_000;

/** Smooths what is given from call to call. */
export class Hold {
  private readonly given = new Map<string, { advice: Recommendation; atMs: number }>();

  /** The advice of now, and what was given until a moment ago. */
  apply(nowMs: number, advice: readonly Recommendation[]): Recommendation[] {
    for (const one of advice) this.given.set(one.key, { advice: one, atMs: nowMs });
    const result: Recommendation[] = [];
    for (const [key, { advice: one, atMs }] of this.given) {
      if (nowMs - atMs > HOLD_MS || nowMs < atMs) this.given.delete(key);
      else result.push(one);
    }
    return result;
  }
}
