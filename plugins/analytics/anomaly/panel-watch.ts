import type { Evidence, Finding, Labels, Severity } from "all-use-agent/sdk";
import { type Direction, Episodes } from "./episodes.ts";
import { DaySeason } from "./season.ts";
import { panelName, type PanelWords, say, sayBand, sayDuration, selector } from "./words.ts";

/** An episode begins when 5 of the newest 8 samples are outside: one sample that sticks out is none. */
const RING = 0xff;
const BEGIN_AT = 5;
/** Outside for this many samples, and never so before: it needs attention. */
const ATTENTION_AFTER = 15;
/** An episode that comes back within this time goes on. */
const MERGE_MS = 30_000;
const UPDATE_MS = 5_000;
/** Outside on this many earlier occasions in two weeks: it is a habit, and not told any more. */
const HABIT = 3;
/** A habit that stays this many times longer than ever is told after all. */
const LONGER = 3;
const LONGER_AT_LEAST_MS = 600_000;
const SEASON_READY_SAMPLES = 6 * 3600;
const BAND_MIN_SHARE = 0.2;
const Z_STEP = 0.01;
const Z_TAIL = 0.005;

interface Open {
  readonly id: string;
  readonly direction: Direction;
  readonly startMs: number;
  lastOutsideMs: number;
  /** Samples outside so far. */
  outside: number;
  peak: number;
  score: number;
  severity: Severity;
  /** The band as it was when the episode began, before any of it was learnt. */
  readonly low: number;
  readonly high: number;
  readonly occasions: number;
  told: boolean;
  toldMs: number;
  toldSeverity: Severity;
  endMs: number | null;
}

/** State worth keeping over a restart, as JSON. */
export interface PanelSnapshot {
  readonly season: number[];
  readonly z: [number, number, number];
  readonly episodes: Episodes["list"];
}

function bitCount(bits: number): number {
  let count = 0;
  for (let rest = bits; rest; rest &= rest - 1) count++;
  return count;
}

/** One panel series: its usual band as shown, and the episodes outside it. A few dozen exist, so they are plain objects. */
export class PanelWatch {
  readonly metric: string;
  readonly labels: Labels;
  readonly season = new DaySeason();
  readonly episodes = new Episodes();
  /** The band shown; NaN while learning. */
  low = NaN;
  high = NaN;
  /** Highest score since it was last reported. */
  scoreMax = NaN;
  newestMs = 0;
  /** Numbers of the series that tell low, high and score; made once. */
  outIds: readonly [number, number, number] | null = null;
  private readonly words: PanelWords | undefined;
  private readonly publish: (finding: Finding) => void;
  private zLow = -4;
  private zHigh = 4;
  private zCount = 0;
  private bitsUp = 0;
  private bitsDown = 0;
  private mutedFromMs = 0;
  private mutedUntilMs = 0;
  private smooth = NaN;
  private open: Open | null = null;

  constructor(metric: string, labels: Labels, words: PanelWords | undefined, publish: (finding: Finding) => void) {
    this.metric = metric;
    this.labels = labels;
    this.words = words;
    this.publish = publish;
  }

  get isOpen(): boolean {
    return this.open !== null && this.open.endMs === null;
  }

  /** Whether an episode that is told goes on. */
  get isTold(): boolean {
    return this.isOpen && (this.open as Open).told;
  }

  /**
   * A sample with its score and the band learnt before it. `spread` and `level` are those of the last minutes, `count` the samples
   * learnt, `floor` the least value ever seen.
   */
  step(
    timeMs: number,
    value: number,
    score: number,
    low: number,
    high: number,
    level: number,
    spread: number,
    count: number,
    least: number,
  ): void {
    this.newestMs = timeMs;
    if (!(this.scoreMax >= score)) this.scoreMax = score;
    this.setBand(timeMs, value, low, high, least);
    this.season.learn(timeMs, value, level, spread);
    this.smooth = this.smooth === this.smooth ? this.smooth + 0.3 * (value - this.smooth) : value;
    const margin = this.margin(value, count);
    const wide = this.isOpen ? margin / 2 : margin;
    this.bitsUp = ((this.bitsUp << 1) & RING) | (value > this.high + wide ? 1 : 0);
    this.bitsDown = ((this.bitsDown << 1) & RING) | (value < this.low - wide ? 1 : 0);
    if (timeMs < this.mutedUntilMs && timeMs >= this.mutedFromMs) {
      this.bitsUp = this.bitsDown = 0;
      return;
    }
    this.advance(timeMs, value, score, margin);
  }

  /** Samples are missing: nothing can be said about the time between, and what comes first afterwards is not usual. */
  gap(fromMs: number, mutedUntilMs: number): void {
    this.bitsUp = this.bitsDown = 0;
    this.smooth = NaN;
    this.mutedFromMs = fromMs;
    this.mutedUntilMs = mutedUntilMs;
    if (this.isOpen) this.close(Math.min(fromMs, this.newestMs), "then samples are missing");
  }

  save(): PanelSnapshot {
    return { season: this.season.save(), z: [this.zLow, this.zHigh, this.zCount], episodes: this.episodes.list };
  }

  load(saved: PanelSnapshot): void {
    this.season.load(saved.season);
    [this.zLow, this.zHigh, this.zCount] = saved.z;
    this.episodes.list = saved.episodes;
  }

  private setBand(timeMs: number, value: number, low: number, high: number, least: number): void {
    this.low = low;
    this.high = high;
    const season = this.season.at(timeMs);
    if (season && season.spread > 0) {
      const z = (value - season.mean) / season.spread;
      const step = Z_STEP * (this.zHigh - this.zLow);
      if (z > this.zHigh) this.zHigh += Math.min(step, z - this.zHigh);
      else this.zHigh -= Z_TAIL * step;
      if (z < this.zLow) this.zLow -= Math.min(step, this.zLow - z);
      else this.zLow += Z_TAIL * step;
      this.zCount++;
      if (this.zCount >= SEASON_READY_SAMPLES && this.season.explains) {
        this.low = season.mean + this.zLow * season.spread;
        this.high = season.mean + this.zHigh * season.spread;
      }
    }
    if (this.low > this.high) this.low = this.high = (this.low + this.high) / 2;
    this.widen();
    const min = least >= 0 ? 0 : -Infinity;
    const max = this.words?.max ?? Infinity;
    this.low = Math.min(max, Math.max(min, this.low));
    this.high = Math.min(max, Math.max(min, this.high));
  }

  /** A band is never narrower than a fifth of what matters: a disk that stood still for ten minutes has no zero tolerance. */
  private widen(): void {
    const missing = (this.words?.matters ?? 0) * BAND_MIN_SHARE - (this.high - this.low);
    if (!(missing > 0)) return;
    this.low -= missing / 2;
    this.high += missing / 2;
  }

  /** How far outside the band counts: what matters to an operator, half the band's width, and more while little is known. */
  private margin(value: number, count: number): number {
    const matters = this.words?.matters ?? 0.5 * Math.max(Math.abs(this.high), Math.abs(value) * 0.2);
    return Math.max(matters, 0.5 * (this.high - this.low)) * (1 + 1.2 * Math.exp(-count / 900));
  }

  private advance(timeMs: number, value: number, score: number, margin: number): void {
    const up = bitCount(this.bitsUp);
    const down = bitCount(this.bitsDown);
    const open = this.open;
    if (!open || open.endMs !== null) {
      if (up >= BEGIN_AT || down >= BEGIN_AT) this.begin(timeMs, up >= BEGIN_AT ? 1 : -1, score, margin);
      return;
    }
    const bits = open.direction > 0 ? this.bitsUp : this.bitsDown;
    if (bits & 1) {
      open.outside++;
      open.lastOutsideMs = timeMs;
      open.score = Math.max(open.score, score);
      open.peak = open.direction > 0 ? Math.max(open.peak, this.smooth) : Math.min(open.peak, this.smooth);
    } else if (bitCount(bits) <= 1) {
      const stillThere = open.direction > 0 ? value > open.high + margin : value < open.low - margin;
      this.close(open.lastOutsideMs, stillThere ? "and now counts as usual" : "");
      return;
    }
    this.judge(open, timeMs, value, margin);
  }

  private begin(timeMs: number, direction: Direction, score: number, margin: number): void {
    const before = this.open;
    if (before && before.direction === direction && before.endMs !== null && timeMs - before.endMs < MERGE_MS) {
      before.endMs = null;
      before.lastOutsideMs = timeMs;
      before.toldMs = 0;
      return;
    }
    this.open = {
      id: `anomaly:${selector(this.metric, this.labels)}:${timeMs}`,
      direction,
      startMs: timeMs - (BEGIN_AT - 1) * 1000,
      lastOutsideMs: timeMs,
      outside: BEGIN_AT,
      peak: this.smooth,
      score,
      severity: "info",
      low: this.low,
      high: this.high,
      occasions: this.episodes.like(direction, this.smooth, margin, timeMs).count,
      told: false,
      toldMs: 0,
      toldSeverity: "info",
      endMs: null,
    };
    this.judge(this.open, timeMs, this.smooth, margin);
  }

  private judge(open: Open, timeMs: number, value: number, margin: number): void {
    const like = this.episodes.like(open.direction, open.peak, margin, timeMs);
    const stayedMs = timeMs - open.startMs;
    const longer = stayedMs > LONGER * like.longestMs && stayedMs > LONGER_AT_LEAST_MS;
    const wanted = open.direction > 0 || this.words?.direction === "both";
    if ((like.count === 0 || longer) && wanted && open.outside >= ATTENTION_AFTER) {
      const critical = this.words?.critical;
      open.severity =
        critical !== undefined && this.smooth >= critical ? "critical" : open.severity === "critical" ? "critical" : "attention";
    }
    if (like.count < HABIT || longer) open.told = true;
    if (open.told && (open.severity !== open.toldSeverity || timeMs - open.toldMs >= UPDATE_MS))
      this.tell(open, timeMs, value, "");
  }

  private close(endMs: number, remark: string): void {
    const open = this.open as Open;
    open.endMs = Math.max(open.startMs, endMs);
    this.bitsUp = this.bitsDown = 0;
    this.episodes.remember(open.direction, open.startMs, open.endMs, open.peak);
    if (open.told) this.tell(open, open.endMs, open.peak, remark);
  }

  private tell(open: Open, timeMs: number, value: number, remark: string): void {
    open.toldMs = timeMs;
    open.toldSeverity = open.severity;
    const { words } = this;
    const unit = words?.unit;
    const usual = `usual is ${sayBand(open.low, open.high, unit)}`;
    const name = panelName(words, this.labels);
    const again =
      open.occasions === 0
        ? ""
        : `, as on ${open.occasions} earlier ${open.occasions === 1 ? "occasion" : "occasions"} in the last 14 days`;
    const summary =
      open.endMs === null
        ? `${name} is at ${say(value, unit)}, ${usual}${again}.`
        : `${name} was at ${say(open.peak, unit)} for ${sayDuration(open.endMs - open.startMs)}${remark ? ` ${remark}` : ""}, ${usual}${again}.`;
    const suffix = unit ?? "value";
    const evidence: Evidence = {
      expr: selector(this.metric, this.labels),
      fromMs: open.startMs - 300_000,
      toMs: open.endMs ?? timeMs,
      method: "5 of 8 samples outside the learnt band (running 0.5 % and 99.5 % points) by a margin",
      numbers: {
        [`observed_${suffix}`]: value,
        [`peak_${suffix}`]: open.peak,
        [`usual_low_${suffix}`]: open.low,
        [`usual_high_${suffix}`]: open.high,
        duration_seconds: ((open.endMs ?? timeMs) - open.startMs) / 1000,
        earlier_occasions_count: open.occasions,
      },
    };
    this.publish({
      id: open.id,
      kind: "anomaly",
      metric: this.metric,
      labels: this.labels,
      startMs: open.startMs,
      endMs: open.endMs,
      score: Math.max(0, open.score),
      severity: open.severity,
      summary,
      evidence: [evidence],
    });
  }
}
