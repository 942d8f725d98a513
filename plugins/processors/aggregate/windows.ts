import { AgentError, errorText, type PluginContext, type RowWriter, type SeriesId, seriesKey } from "all-use-agent/sdk";
import { CounterPast } from "./counter-past.ts";
import { Panes } from "./panes.ts";
import { type Group, isCounter, type Rule } from "./rule.ts";

/** Samples of a counter further apart say nothing of one window: PromQL does not look further back either. */
const PAIR_MAX_MS = 300_000;
/** A window whose end is over is closed without a later sample when none came for so long … */
const QUIET_MS = 2000;
/** … and when it ended longer ago than this, so that its samples are told late on purpose, for as long as that. */
const BACKFILL_MS = 60_000;
/** A series without samples for so long, and for two windows, makes way. */
const IDLE_MS = 300_000;
const REFUSED = -1;
/** The end of JavaScript's dates in the shortest panes. */
const PANES_MAX = 8.64e12;

/** A group of series and its windows. */
interface OpenGroup {
  readonly key: string;
  readonly group: Group;
  /** Its results' series by function: 0 is unknown yet, −1 was refused; others are one higher. */
  readonly outputs: Int32Array;
  series: number;
}

/** What is known of a restored series before it is seen again. */
export interface SavedPast {
  readonly times: number[];
  readonly values: number[];
  readonly trimmed: boolean;
}

/**
 * One rule's groups, their panes, and which windows are open. Window e of a group ends at e · every and is closed when a sample of the
 * group, or where none comes the clock, is later than that by more than `late`. It is emitted once, at its end's time.
 */
export class Windows {
  readonly rule: Rule;
  late = 0;
  refused = 0;
  private readonly ctx: PluginContext;
  private readonly rows: RowWriter;
  private readonly own: (id: SeriesId) => void;
  private readonly panes: Panes;
  private readonly perWindow: number;
  private readonly hasPairs: boolean;
  private readonly pairMaxMs: number;

  private readonly groups: (OpenGroup | null)[] = [];
  private readonly groupByKey = new Map<string, number>();
  private readonly freeGroups: number[] = [];
  /** By group: the next window to close, NaN before the first sample; the newest pane; when it was last given a sample. */
  private nextEnd = new Float64Array(16);
  private newestPane = new Float64Array(16);
  private groupSeenMs = new Float64Array(16);

  private readonly targetById = new Map<SeriesId, number>();
  private readonly freeTargets: number[] = [];
  private targets = 0;
  private targetGroup = new Int32Array(64);
  private targetSeenMs = new Float64Array(64);
  private targetCounts = new Uint8Array(64);
  private readonly pasts: (CounterPast | null)[] = [];
  private readonly restored = new Map<string, SavedPast>();

  /** `own` is told of each series that results get. */
  constructor(rule: Rule, ctx: PluginContext, rows: RowWriter, own: (id: SeriesId) => void) {
    this.rule = rule;
    this.ctx = ctx;
    this.rows = rows;
    this.own = own;
    this.panes = new Panes(rule);
    this.perWindow = rule.windowMs / rule.everyMs;
    this.hasPairs = rule.uses("rate", "delta");
    this.pairMaxMs = Math.max(PAIR_MAX_MS, rule.windowMs);
  }

  get size(): number {
    return this.targetById.size;
  }

  /** The number by which `take` knows a series, or −1 when there are too many. */
  targetOf(id: SeriesId): number {
    const known = this.targetById.get(id);
    if (known !== undefined) return known;
    if (this.targetById.size >= this.rule.maxSeries) return REFUSED;
    const info = this.ctx.seriesInfo(id);
    const target = this.freeTargets.pop() ?? this.targets++;
    if (target >= this.targetGroup.length) this.growTargets();
    const { key, group } = this.rule.groupOf(info);
    this.targetGroup[target] = this.groupOf(key, group);
    this.groups[this.targetGroup[target]]!.series++;
    this.targetCounts[target] = isCounter(info) ? 1 : 0;
    this.pasts[target] = this.hasPairs ? this.pastOf(seriesKey(info.name, info.labels)) : null;
    this.targetById.set(id, target);
    return target;
  }

  take(target: number, timestampMs: number, value: number, nowMs: number, monotonicMs: number): void {
    const { rule, perWindow, panes, nextEnd } = this;
    const { everyMs, lateMs } = rule;
    const group = this.targetGroup[target];
    this.targetSeenMs[target] = monotonicMs;
    this.groupSeenMs[group] = monotonicMs;
    const pane = Math.ceil(timestampMs / everyMs);
    let next = nextEnd[group];
    if (next !== next) nextEnd[group] = next = Math.ceil((timestampMs - lateMs) / everyMs);
    const fits = pane - panes.perGroup + perWindow;
    if (next < fits) this.close(group, (next = fits));
    if (pane < next) {
      this.late++;
      if (pane + perWindow - 1 < next) return;
    }
    panes.add(group, pane, timestampMs, value);
    if (this.hasPairs) this.pair(target, group, timestampMs, value);
    if (pane > this.newestPane[group]) this.newestPane[group] = pane;
    const seenMs = timestampMs < nowMs ? timestampMs : nowMs;
    if (next * everyMs < seenMs - lateMs) this.close(group, Math.ceil((seenMs - lateMs) / everyMs));
  }

  /** Closes by the clock what no sample closes. */
  closeQuiet(nowMs: number, monotonicMs: number): void {
    const { everyMs, lateMs } = this.rule;
    for (let group = 0; group < this.groups.length; group++) {
      const overMs = nowMs - lateMs - this.nextEnd[group] * everyMs;
      if (!(overMs > 0) || !this.isOpen(group)) continue;
      const quietMs = monotonicMs - this.groupSeenMs[group];
      if (quietMs >= (overMs > BACKFILL_MS ? BACKFILL_MS : QUIET_MS)) this.close(group, Math.ceil((nowMs - lateMs) / everyMs));
    }
  }

  /**
   * The clock was set back by so much. Within `late` that is disorder like any. Else open windows end with what they have, as far as
   * their ends are not ahead of the new time, where others will end; and time begins anew.
   */
  heedStep(stepMs: number, nowMs: number): void {
    const { everyMs, lateMs } = this.rule;
    if (stepMs <= lateMs) return;
    for (let group = 0; group < this.groups.length; group++) {
      if (this.isOpen(group)) this.close(group, Math.max(this.nextEnd[group], Math.floor(nowMs / everyMs) + 1));
      this.nextEnd[group] = NaN;
      this.newestPane[group] = -Infinity;
      if (this.groups[group]) this.panes.clear(group);
    }
    for (const past of this.pasts) past?.restart(nowMs);
  }

  /** Lets go of series that have had no samples for long, and of groups without series. Returns the series. */
  sweep(monotonicMs: number): SeriesId[] {
    const idleMs = Math.max(IDLE_MS, 2 * (this.rule.windowMs + this.rule.lateMs));
    const gone: SeriesId[] = [];
    for (const [id, target] of this.targetById) {
      if (monotonicMs - this.targetSeenMs[target] < idleMs) continue;
      gone.push(id);
      this.targetById.delete(id);
      this.groups[this.targetGroup[target]]!.series--;
      this.pasts[target] = null;
      this.freeTargets.push(target);
    }
    for (let group = 0; group < this.groups.length; group++) {
      const one = this.groups[group];
      if (one === null || one.series > 0 || this.isOpen(group) || monotonicMs - this.groupSeenMs[group] < idleMs) continue;
      this.groupByKey.delete(one.key);
      this.groups[group] = null;
      this.nextEnd[group] = NaN;
      this.freeGroups.push(group);
    }
    return gone;
  }

  /** Restored series that never came are forgotten. */
  forgetRestored(): void {
    this.restored.clear();
  }

  save(): unknown {
    const groups = this.groups.flatMap((one, group) => {
      if (one === null) return [];
      const next = this.nextEnd[group];
      const panes = Number.isNaN(next) ? [] : this.panes.save(group, next - this.perWindow + 1);
      return [[one.key, one.group, next, this.newestPane[group], panes]];
    });
    const pasts = [...this.restored.entries()].map(([key, past]) => [key, past]);
    for (const [id, target] of this.targetById) {
      const past = this.pasts[target];
      if (!past || past.length === 0) continue;
      const { name, labels } = this.ctx.seriesInfo(id);
      const times = Array.from(past.times.subarray(0, past.length));
      pasts.push([
        seriesKey(name, labels),
        { times, values: Array.from(past.values.subarray(0, past.length)), trimmed: past.trimmed },
      ]);
    }
    return { groups, pasts };
  }

  /** Throws for what `save` did not make. */
  load(saved: unknown): void {
    const { groups, pasts } = saved as {
      groups: [string, Group, number | null, number | null, unknown][];
      pasts: [string, SavedPast][];
    };
    const seenMs = this.ctx.clock.monotonic();
    for (const [key, info, next, newest, panes] of groups) {
      if (![next, newest].every((pane) => pane === null || (Number.isInteger(pane) && Math.abs(pane) < PANES_MAX)))
        throw new Error("a group of the snapshot is damaged");
      const group = this.groupOf(key, { ...info, labels: { ...info.labels } });
      this.nextEnd[group] = next ?? NaN;
      this.newestPane[group] = newest ?? -Infinity;
      this.groupSeenMs[group] = seenMs;
      this.panes.load(group, panes);
    }
    for (const [key, { times, values, trimmed }] of pasts)
      this.restored.set(key, { times: times.map(Number), values: values.map(Number), trimmed });
  }

  private isOpen(group: number): boolean {
    return this.newestPane[group] + this.perWindow > this.nextEnd[group];
  }

  /** What a counter's sample adds between its neighbours in time, and what these no longer add between them. */
  private pair(target: number, group: number, timestampMs: number, value: number): void {
    const past = this.pasts[target]!;
    const at = past.insert(timestampMs, value, this.rule.lateMs);
    if (at < 0) return;
    const { times, values } = past;
    const isLast = at + 1 === past.length;
    if (at > 0) this.addPair(target, group, times[at - 1], values[at - 1], timestampMs, value, 1);
    if (isLast) return;
    if (at > 0) this.addPair(target, group, times[at - 1], values[at - 1], times[at + 1], values[at + 1], -1);
    this.addPair(target, group, timestampMs, value, times[at + 1], values[at + 1], 1);
  }

  private addPair(target: number, group: number, fromMs: number, from: number, toMs: number, to: number, times: 1 | -1): void {
    if (toMs - fromMs > this.pairMaxMs) return;
    const increase = to >= from ? to - from : to;
    const delta = this.targetCounts[target] === 1 ? increase : to - from;
    this.panes.addPair(group, Math.ceil(toMs / this.rule.everyMs), increase, delta, times);
  }

  /** Closes and emits all windows before `end`. */
  private close(group: number, end: number): void {
    const { perWindow, panes, rule } = this;
    const last = Math.min(end - 1, this.newestPane[group] + perWindow - 1);
    for (let e = this.nextEnd[group]; e <= last; e++) {
      if (!panes.gather(group, e - perWindow + 1, e)) continue;
      for (let f = 0; f < rule.functions.length; f++) {
        const value = panes.result(rule.functions[f]);
        if (!Number.isFinite(value)) continue;
        const id = this.outputOf(group, f);
        if (id >= 0) this.rows.add(id, e * rule.everyMs, value);
      }
    }
    this.nextEnd[group] = end;
  }

  private outputOf(group: number, f: number): number {
    const { outputs, group: info } = this.groups[group]!;
    if (outputs[f] !== 0) return outputs[f] < 0 ? REFUSED : outputs[f] - 1;
    const { rule, ctx } = this;
    const called = rule.functions[f];
    try {
      const id = ctx.series(rule.nameOf(info.metric, called), info.labels, rule.infoOf(info, called));
      this.own(id);
      outputs[f] = id + 1;
      return id;
    } catch (error) {
      if (error instanceof AgentError && error.code === "stopped") throw error;
      ctx.log.warn(`a result has no series: ${errorText(error)}`);
      outputs[f] = REFUSED;
      return REFUSED;
    }
  }

  private groupOf(key: string, info: Group): number {
    const known = this.groupByKey.get(key);
    if (known !== undefined) return known;
    const group = this.freeGroups.pop() ?? this.groups.length;
    this.groups[group] = { key, group: info, outputs: new Int32Array(this.rule.functions.length), series: 0 };
    this.groupByKey.set(key, group);
    if (group >= this.nextEnd.length) this.growGroups();
    this.nextEnd[group] = NaN;
    this.newestPane[group] = -Infinity;
    this.groupSeenMs[group] = this.ctx.clock.monotonic();
    this.panes.clear(group);
    return group;
  }

  private pastOf(key: string): CounterPast {
    const past = new CounterPast();
    const saved = this.restored.get(key);
    if (saved === undefined) return past;
    this.restored.delete(key);
    saved.times.forEach((timestampMs, i) => past.insert(timestampMs, saved.values[i], this.rule.lateMs));
    past.trimmed = saved.trimmed;
    return past;
  }

  private growGroups(): void {
    this.nextEnd = grown(this.nextEnd);
    this.newestPane = grown(this.newestPane);
    this.groupSeenMs = grown(this.groupSeenMs);
  }

  private growTargets(): void {
    this.targetSeenMs = grown(this.targetSeenMs);
    const groups = new Int32Array(this.targetGroup.length * 2);
    groups.set(this.targetGroup);
    this.targetGroup = groups;
    const counts = new Uint8Array(this.targetCounts.length * 2);
    counts.set(this.targetCounts);
    this.targetCounts = counts;
  }
}

function grown(array: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(array.length * 2);
  larger.set(array);
  return larger;
}
