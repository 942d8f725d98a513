import { CHANNEL, type ChannelKey } from "./channels.ts";

export interface Threshold {
  readonly quantity: ChannelKey;
  readonly above?: number;
  readonly below?: number;
  /** How long without a break. */
  readonly for_ms: number;
}

interface Watch {
  readonly threshold: Threshold;
  readonly column: number;
  sinceMs: number;
  told: boolean;
}

/** Simple limits on what is read: each says so once when it was exceeded long enough, and again after it was kept. */
export class Thresholds {
  private readonly watches: Watch[];

  constructor(thresholds: readonly Threshold[]) {
    this.watches = thresholds.map((threshold) => ({
      threshold,
      column: CHANNEL[threshold.quantity],
      sinceMs: NaN,
      told: false,
    }));
  }

  /** The limit that has just been exceeded for long enough, in words, or null. `elapsedMs` is monotonic. */
  look(row: Float64Array, elapsedMs: number): string | null {
    let said: string | null = null;
    for (const watch of this.watches) {
      const { above, below, for_ms: forMs, quantity } = watch.threshold;
      const value = row[watch.column];
      const beyond = (above !== undefined && value > above) || (below !== undefined && value < below);
      if (!beyond) {
        watch.sinceMs = NaN;
        watch.told = false;
        continue;
      }
      if (Number.isNaN(watch.sinceMs)) watch.sinceMs = elapsedMs;
      if (watch.told || elapsedMs - watch.sinceMs < forMs) continue;
      watch.told = true;
      const limit = above !== undefined && value > above ? `above ${above}` : `below ${below ?? NaN}`;
      said ??= `${quantity} ${limit} for ${forMs / 1000} s`;
    }
    return said;
  }

  /** After a pause nothing is known of the time between. */
  reset(): void {
    for (const watch of this.watches) watch.sinceMs = NaN;
  }
}
