import type { AdviceView, Recommendation, Severity } from "all-use-agent/sdk";
import { type Exhaustion, ExhaustionWatch, type Window } from "./exhaustion.ts";
import type { Culprits } from "./culprits.ts";
import { figures, sayBytes, sayDuration, sayWhen } from "./words.ts";

const AVAILABLE = "node_memory_MemAvailable_bytes";

/** Memory comes and goes faster than disk space: the windows look less far ahead. */
const WINDOWS: readonly Window[] = [
  { spanMs: 30_000, stepMs: 1000, everyMs: 0, horizonS: 180, fitMin: 0.9 },
  { spanMs: 300_000, stepMs: 5000, everyMs: 15_000, horizonS: 1800, fitMin: 0.9 },
  { spanMs: 3_600_000, stepMs: 30_000, everyMs: 60_000, horizonS: 6 * 3600, fitMin: 0.85 },
];
/** A fall of less than this share of all memory is ordinary traffic. */
const LEAST_SHARE = 0.03;
/** With this much available, memory does not count as low whatever its share. */
const ROOMY_BYTES = 4_000_000_000;
const CRITICAL_WITHIN_S = 60;

/** Memory that is nearly used up, or will be. */
export class Memory {
  private readonly watch = new ExhaustionWatch(AVAILABLE, WINDOWS);
  private readonly attentionPercent: number;
  private readonly culprits: Culprits;
  private low = false;
  private seen = 0;

  constructor(attentionPercent: number, culprits: Culprits) {
    this.attentionPercent = attentionPercent;
    this.culprits = culprits;
  }

  async advise(view: AdviceView, signal: AbortSignal): Promise<Recommendation[]> {
    const [available, total, swapTotal, swapFree] = (
      await Promise.all(
        [AVAILABLE, "node_memory_MemTotal_bytes", "node_memory_SwapTotal_bytes", "node_memory_SwapFree_bytes"].map((name) =>
          view.query(name),
        ),
      )
    ).map((rows) => rows[0]?.value);
    if (available === undefined || total === undefined || !(total > 0)) return [];
    const found = (
      await this.watch.look(
        view,
        () => "memory",
        () => LEAST_SHARE * total,
      )
    ).get("memory");
    this.seen = found ? this.seen + 1 : 0;
    const exhaustion = this.seen >= 2 ? found : undefined;
    const share = (100 * available) / total;
    this.low = share < (this.low ? 1.25 * this.attentionPercent : this.attentionPercent) && available < ROOMY_BYTES;
    if (!this.low && !exhaustion) return [];
    return [await this.recommend(view, signal, { available, total, share, swapTotal, swapFree, exhaustion })];
  }

  private async recommend(
    view: AdviceView,
    signal: AbortSignal,
    facts: {
      available: number;
      total: number;
      share: number;
      swapTotal: number | undefined;
      swapFree: number | undefined;
      exhaustion: Exhaustion | undefined;
    },
  ): Promise<Recommendation> {
    const { available, total, share, swapTotal, swapFree, exhaustion } = facts;
    const critical = (this.low && share < this.attentionPercent / 2) || (exhaustion && exhaustion.inS <= CRITICAL_WITHIN_S);
    const severity: Severity = critical ? "critical" : "attention";
    const largest = await this.culprits.largest(view.nowMs, signal);
    const swap =
      swapTotal && swapFree !== undefined
        ? ` Of ${sayBytes(swapTotal)} swap, ${sayBytes(swapFree)} are free.`
        : " There is no swap.";
    const rate = exhaustion
      ? ` It has been shrinking by ${sayBytes(-exhaustion.fall.slopePerSecond)} a second over the last ${sayDuration(exhaustion.window.spanMs / 1000)}.`
      : "";
    const spanMs = exhaustion?.window.spanMs ?? 600_000;
    return {
      key: "memory:available",
      severity,
      title: exhaustion
        ? `Memory will run out ${sayWhen(view.nowMs, exhaustion.inS)}`
        : `Only ${figures(share)} % of memory is available`,
      reason: `${sayBytes(available)} of ${sayBytes(total)} are available.${rate}${swap}${largest.text}`,
      action: {
        kind: "free_memory",
        text: largest.first
          ? `Look at ${largest.first}: stop or restart it if it should not need that much.`
          : "Find the process that takes the memory and stop or restart it.",
      },
      confidence: exhaustion ? Math.max(this.low ? 0.9 : 0, exhaustion.confidence) : 0.95,
      evidence: [
        {
          expr: AVAILABLE,
          fromMs: view.nowMs - spanMs,
          toMs: view.nowMs,
          method: exhaustion ? `${exhaustion.method} over ${sayDuration(spanMs / 1000)}` : "newest sample",
          numbers: {
            available_bytes: available,
            total_bytes: total,
            available_percent: share,
            ...(swapTotal !== undefined && { swap_total_bytes: swapTotal }),
            ...(swapFree !== undefined && { swap_free_bytes: swapFree }),
            ...(exhaustion && {
              slope_bytes_per_second: exhaustion.fall.slopePerSecond,
              fit_ratio: exhaustion.fall.fit,
              window_seconds: spanMs / 1000,
              time_to_empty_seconds: exhaustion.inS,
              earliest_seconds: exhaustion.earliestS,
              ...(Number.isFinite(exhaustion.latestS) && { latest_seconds: exhaustion.latestS }),
            }),
          },
        },
        ...largest.evidence,
      ],
      expiresMs: view.nowMs + 30_000,
    };
  }
}
