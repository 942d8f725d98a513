import type { Finding, SeriesInfo } from "all-use-agent/sdk";
import { say, sayBand, sayDuration, selector } from "./words.ts";

/** A single series is told only when it begins this rare, stays as rare as its own learning lets it, this long, and much is known of it. */
const RARE = 1 - 1e-4;
const STILL_RARE = 0.98;
const BEGIN_AFTER = 30;
const END_AFTER = 10;
const KNOWN_SAMPLES = 3600;
const OPEN_MAX = 5;
const DAY_MS = 86_400_000;

interface Open {
  readonly id: string;
  readonly startMs: number;
  readonly low: number;
  readonly high: number;
  peak: number;
  score: number;
  calm: number;
}

export interface Sight {
  readonly timeMs: number;
  readonly value: number;
  readonly score: number;
  readonly low: number;
  readonly high: number;
}

/**
 * Series that are on no panel. There are hundreds, so even rare scores come every day: only long and extreme ones are told, none
 * while a panel's finding already says what goes on, and no more than a day's allowance.
 */
export class RawWatch {
  private runs = new Uint8Array(512);
  private readonly open = new Map<number, Open>();
  private readonly perDay: number;
  private allowance: number;
  private allowanceMs = NaN;
  private readonly infoOf: (slot: number) => SeriesInfo | undefined;
  private readonly publish: (finding: Finding) => void;

  constructor(perDay: number, infoOf: (slot: number) => SeriesInfo | undefined, publish: (finding: Finding) => void) {
    this.perDay = perDay;
    this.allowance = Math.min(1, perDay);
    this.infoOf = infoOf;
    this.publish = publish;
  }

  get openCount(): number {
    return this.open.size;
  }

  /** Whether this slot needs a closer look: a cheap test for every sample. */
  wants(slot: number, score: number): boolean {
    return score >= RARE || (slot < this.runs.length && this.runs[slot] > 0);
  }

  /** `known`: samples learnt; `explained`: a panel's finding is open or just was. */
  step(slot: number, sight: Sight, known: number, explained: boolean): void {
    if (slot >= this.runs.length) {
      const grown = new Uint8Array(Math.max(slot + 1, this.runs.length * 2));
      grown.set(this.runs);
      this.runs = grown;
    }
    const open = this.open.get(slot);
    if (sight.score < (this.runs[slot] > 0 ? STILL_RARE : RARE)) {
      this.runs[slot] = Math.max(0, this.runs[slot] - 3);
      if (open && ++open.calm >= END_AFTER) this.close(slot, sight.timeMs);
      return;
    }
    this.runs[slot] = Math.min(255, this.runs[slot] + 1);
    if (open) {
      open.calm = 0;
      open.score = Math.max(open.score, sight.score);
      if (Math.abs(sight.value - open.low) > Math.abs(open.peak - open.low)) open.peak = sight.value;
    } else if (
      this.runs[slot] === BEGIN_AFTER &&
      known >= KNOWN_SAMPLES &&
      !explained &&
      sight.high > sight.low &&
      this.spend(sight.timeMs)
    ) {
      this.begin(slot, sight);
    }
  }

  /** The series ended, was forgotten or samples are missing. */
  close(slot: number, timeMs: number): void {
    if (slot < this.runs.length) this.runs[slot] = 0;
    const open = this.open.get(slot);
    const info = this.infoOf(slot);
    if (!open || !info) return;
    this.open.delete(slot);
    this.tell(open, info, Math.max(open.startMs, timeMs));
  }

  closeAll(timeMs: number): void {
    for (const slot of this.open.keys()) this.close(slot, timeMs);
  }

  private spend(timeMs: number): boolean {
    if (this.allowanceMs === this.allowanceMs) {
      const back = (Math.max(0, timeMs - this.allowanceMs) / DAY_MS) * this.perDay;
      this.allowance = Math.min(this.perDay, this.allowance + back);
    }
    this.allowanceMs = timeMs;
    if (this.allowance < 1 || this.open.size >= OPEN_MAX) return false;
    this.allowance--;
    return true;
  }

  private begin(slot: number, sight: Sight): void {
    const info = this.infoOf(slot);
    if (!info) return;
    const open = {
      id: `anomaly:${selector(info.name, info.labels)}:${sight.timeMs}`,
      startMs: sight.timeMs - BEGIN_AFTER * 1000,
      low: sight.low,
      high: sight.high,
      peak: sight.value,
      score: sight.score,
      calm: 0,
    };
    this.open.set(slot, open);
    this.tell(open, info, null);
  }

  private tell(open: Open, info: SeriesInfo, endMs: number | null): void {
    const counter = info.type === "counter";
    const unit = info.unit === "bytes" ? (counter ? "bytes_per_second" : "bytes") : counter ? "operations_per_second" : undefined;
    const series = selector(info.name, info.labels);
    const usual = `usual is ${sayBand(open.low, open.high, unit)}`;
    this.publish({
      id: open.id,
      kind: "anomaly",
      metric: info.name,
      labels: info.labels,
      startMs: open.startMs,
      endMs,
      score: open.score,
      severity: "info",
      summary:
        endMs === null
          ? `${series} is at ${say(open.peak, unit)}, ${usual}.`
          : `${series} was at ${say(open.peak, unit)} for ${sayDuration(endMs - open.startMs)}, ${usual}.`,
      evidence: [
        {
          expr: counter ? `rate(${series}[15s])` : series,
          fromMs: open.startMs - 300_000,
          toMs: endMs ?? open.startMs + BEGIN_AFTER * 1000,
          method: `${BEGIN_AFTER} samples in a row rarer than 1 in ${Math.round(1 / (1 - STILL_RARE))} of the series' own past, the first than 1 in ${Math.round(1 / (1 - RARE))}`,
          numbers: { peak_value: open.peak, usual_low_value: open.low, usual_high_value: open.high },
        },
      ],
    });
  }
}
