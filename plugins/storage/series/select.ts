import { AgentError, type Labels, type Matcher, type SelectRequest, type SeriesData, RegexSyntaxError } from "all-use-agent/sdk";
import type { Block } from "./block.ts";
import { lowerBound, timesOf } from "./clocks.ts";
import type { HeadPart } from "./head-part.ts";
import { collectPresent, gather, gatherLast } from "./head-select.ts";
import { type CompiledMatcher, compileMatchers, matches } from "./matcher.ts";
import type { Deletion } from "./marks.ts";
import { Pacer } from "./pacer.ts";
import { joined, ordered, type Samples, without } from "./samples.ts";
import { textKey } from "./series-key.ts";
import type { SeriesTable } from "./series-table.ts";

/** What a query sees: taken at the time of the call, unchanged by what comes later. */
export interface View {
  readonly table: SeriesTable;
  /** Oldest first; all written after every block. */
  readonly parts: readonly HeadPart[];
  /** Oldest written first. */
  readonly blocks: readonly Block[];
  readonly deletions: readonly Deletion[];
  /** The table's newest sealed samples tell all there is of later times than this. */
  readonly lastKnownAfterMs: number;
}

type CompiledDeletion = Omit<Deletion, "matchers"> & { readonly matchers: readonly CompiledMatcher[] };

interface Found {
  readonly name: string;
  readonly labels: Labels;
  readonly pieces: Samples[];
  /** The only piece lies in the cache's memory. */
  shared: boolean;
}

/** Throws `query_regex`. */
export function compiled(matchers: readonly Matcher[]): CompiledMatcher[] {
  try {
    return compileMatchers(matchers);
  } catch (error) {
    if (error instanceof RegexSyntaxError) throw new AgentError("query_regex", error.message, { cause: error });
    throw error;
  }
}

function deletionsOf(view: View): CompiledDeletion[] {
  return view.deletions.map((deletion) => ({ ...deletion, matchers: compiled(deletion.matchers) }));
}

/** The samples that no deletion covers which was made after segment `segment`. */
function undeleted(
  samples: Samples,
  deletions: readonly CompiledDeletion[],
  segment: number,
  name: string,
  labels: Labels,
): Samples {
  if (deletions.length === 0) return samples;
  const applying = deletions.filter((deletion) => segment <= deletion.maxSegment && matches(deletion.matchers, name, labels));
  if (applying.length === 0) return samples;
  return without(samples, (time) => applying.some((deletion) => time >= deletion.fromMs && time <= deletion.toMs));
}

function within(samples: Samples, fromMs: number, toMs: number): Samples {
  const { timestamps, values } = samples;
  if (timestamps.length === 0 || (timestamps[0] >= fromMs && timestamps[timestamps.length - 1] <= toMs)) return samples;
  const from = lowerBound(timestamps, fromMs);
  const to = upperBound(timestamps, toMs);
  return { timestamps: timestamps.subarray(from, to), values: values.subarray(from, to) };
}

function upperBound(sorted: Float64Array, wanted: number): number {
  const at = lowerBound(sorted, wanted);
  return at < sorted.length && sorted[at] === wanted ? at + 1 : at;
}

/** Counts towards `limitSamples`. Pieces that may repeat samples of others are counted when they have been joined. */
class Budget {
  private left: number;
  private readonly limit: number;

  constructor(limit: number | undefined) {
    this.limit = limit ?? Infinity;
    this.left = this.limit;
  }

  take(samples: number): void {
    this.left -= samples;
    if (this.left < 0) {
      throw new AgentError(
        "query_limit_samples",
        `The query needs more than ${this.limit} samples: ask for fewer series or a shorter time.`,
      );
    }
  }

  restart(): void {
    this.left = this.limit;
  }
}

async function pinned<T>(blocks: readonly Block[], work: () => Promise<T>): Promise<T> {
  for (const block of blocks) block.pin();
  try {
    return await work();
  } finally {
    await Promise.all(blocks.map((block) => block.unpin()));
  }
}

export async function select(view: View, request: SelectRequest): Promise<SeriesData[]> {
  const { fromMs, toMs, signal } = request;
  signal?.throwIfAborted();
  const matchers = compiled(request.matchers);
  const numbers = view.table.find(matchers);
  const blocks = view.blocks.filter((block) => block.overlaps(fromMs, toMs));
  if (request.lastOnly) {
    const last = selectLast(view, numbers, blocks, fromMs, toMs);
    if (last !== null) {
      new Budget(request.limitSamples).take(last.length);
      return last;
    }
  }
  const deletions = deletionsOf(view);
  // The head first: it is read in this very turn, before anything else can change it.
  const headPieces = view.parts
    .filter((part) => part.minTime <= toMs && part.maxTime >= fromMs)
    .map((part) => ({ part, samples: gather(part, numbers, fromMs, toMs) }));
  const heads = numbers.map((number) => view.table.get(number));
  const found = new Map<string, Found>();
  const budget = new Budget(request.lastOnly ? undefined : request.limitSamples);
  const pacer = new Pacer(signal);
  await pinned(blocks, async () => {
    for (const block of blocks) await addBlock(block, matchers, fromMs, toMs, deletions, found, budget, pacer);
  });
  for (const { part, samples } of headPieces) {
    for (let s = 0; s < heads.length; s++) {
      if (samples[s].timestamps.length === 0) continue;
      const { name, labels } = heads[s];
      const piece = undeleted(ordered(samples[s]), deletions, part.segment, name, labels);
      if (piece.timestamps.length === 0) continue;
      add(found, textKey(name, labels), name, labels, piece, false, budget);
    }
  }
  budget.restart();
  const result: SeriesData[] = [];
  for (const one of found.values()) {
    let { timestamps, values } = joined(one.pieces);
    if (request.lastOnly) {
      timestamps = timestamps.slice(-1);
      values = values.slice(-1);
    } else if (one.shared && one.pieces.length === 1) {
      timestamps = timestamps.slice();
      values = values.slice();
    }
    budget.take(timestamps.length);
    result.push({ name: one.name, labels: one.labels, timestamps, values });
    if (pacer.due()) await pacer.pause();
  }
  if (request.lastOnly) new Budget(request.limitSamples).take(result.length);
  return result;
}

function add(
  found: Map<string, Found>,
  key: string,
  name: string,
  labels: Labels,
  piece: Samples,
  shared: boolean,
  budget: Budget,
): void {
  const one = found.get(key);
  if (!one) {
    found.set(key, { name, labels, pieces: [piece], shared });
    budget.take(piece.timestamps.length);
    return;
  }
  const before = one.pieces[one.pieces.length - 1].timestamps;
  if (piece.timestamps[0] > before[before.length - 1]) budget.take(piece.timestamps.length);
  one.pieces.push(piece);
}

async function addBlock(
  block: Block,
  matchers: readonly CompiledMatcher[],
  fromMs: number,
  toMs: number,
  deletions: readonly CompiledDeletion[],
  found: Map<string, Found>,
  budget: Budget,
  pacer: Pacer,
): Promise<void> {
  const tables = await block.tables();
  if (tables === null) return;
  const columns = tables.index.find(matchers);
  if (columns.length === 0) return;
  const samples = await block.columns(tables, columns, pacer);
  for (let c = 0; c < columns.length; c++) {
    const column = samples[c];
    if (column === null) continue;
    const { name, labels } = tables.index.series(columns[c]);
    const piece = undeleted(within(column, fromMs, toMs), deletions, block.header.maxSegment, name, labels);
    if (piece.timestamps.length > 0) add(found, tables.index.key(columns[c]), name, labels, piece, true, budget);
    if (pacer.due()) await pacer.pause();
  }
}

/**
 * Newest samples without touching a block: from the head, and from the table for series whose newest has been sealed. Null
 * when those cannot tell: a range that began before the agent did, or that ends before the newest sample.
 */
function selectLast(
  view: View,
  numbers: readonly number[],
  blocks: readonly Block[],
  fromMs: number,
  toMs: number,
): SeriesData[] | null {
  if (blocks.length > 0 && fromMs <= view.lastKnownAfterMs) return null;
  if (view.deletions.some((deletion) => deletion.toMs >= fromMs && deletion.fromMs <= toMs)) return null;
  const times = new Float64Array(numbers.length).fill(NaN);
  const values = new Float64Array(numbers.length);
  for (let p = view.parts.length - 1; p >= 0; p--) gatherLast(view.parts[p], numbers, fromMs, toMs, times, values);
  const result: SeriesData[] = [];
  for (let s = 0; s < numbers.length; s++) {
    const sealed = view.table.lastTimes[numbers[s]];
    if (sealed > toMs && blocks.length > 0) return null;
    if (sealed >= fromMs && sealed <= toMs && !(times[s] >= sealed)) {
      times[s] = sealed;
      values.set(view.table.lastValues.subarray(numbers[s], numbers[s] + 1), s);
    }
    if (Number.isNaN(times[s])) continue;
    const { name, labels } = view.table.get(numbers[s]);
    result.push({ name, labels, timestamps: times.slice(s, s + 1), values: values.slice(s, s + 1) });
  }
  return result;
}

/** Name and labels of matching series that have a sample in the range. */
export async function listSeries(
  view: View,
  matchers: readonly Matcher[],
  fromMs: number,
  toMs: number,
): Promise<{ name: string; labels: Labels }[]> {
  const wanted = compiled(matchers);
  const deletions = deletionsOf(view);
  const found = new Map<string, { name: string; labels: Labels }>();
  const numbers = view.table.find(wanted);
  for (const part of view.parts) {
    const present = new Set<number>();
    collectPresent(part, fromMs, toMs, present);
    const here = numbers.filter((number) => present.has(number));
    const touched = deletions.some(
      (deletion) => part.segment <= deletion.maxSegment && deletion.fromMs <= toMs && deletion.toMs >= fromMs,
    );
    const samples = touched ? gather(part, here, fromMs, toMs) : null;
    for (let s = 0; s < here.length; s++) {
      const { name, labels } = view.table.get(here[s]);
      if (samples !== null && undeleted(samples[s], deletions, part.segment, name, labels).timestamps.length === 0) continue;
      found.set(textKey(name, labels), { name, labels });
    }
  }
  const blocks = view.blocks.filter((block) => block.overlaps(fromMs, toMs));
  const pacer = new Pacer(undefined);
  await pinned(blocks, async () => {
    for (const block of blocks) await listBlock(block, wanted, fromMs, toMs, deletions, found, pacer);
  });
  return [...found.values()];
}

async function listBlock(
  block: Block,
  matchers: readonly CompiledMatcher[],
  fromMs: number,
  toMs: number,
  deletions: readonly CompiledDeletion[],
  found: Map<string, { name: string; labels: Labels }>,
  pacer: Pacer,
): Promise<void> {
  const tables = await block.tables();
  if (tables === null) return;
  const columns = tables.index.find(matchers);
  const { minTime, maxTime, maxSegment } = block.header;
  const inside = minTime >= fromMs && maxTime <= toMs && !deletions.some((deletion) => maxSegment <= deletion.maxSegment);
  const { runSets, runSetOf } = tables.directory;
  const clocks = inside
    ? null
    : await block.clocks(tables, new Set(columns.map((column) => runSets[runSetOf[column]].clock)), pacer);
  for (const column of columns) {
    const { name, labels } = tables.index.series(column);
    if (clocks !== null) {
      const set = runSets[runSetOf[column]];
      const clock = clocks.get(set.clock);
      if (!clock) continue;
      const timestamps = timesOf(clock, set.runs);
      const here = within({ timestamps, values: timestamps }, fromMs, toMs);
      if (undeleted(here, deletions, maxSegment, name, labels).timestamps.length === 0) continue;
    }
    found.set(tables.index.key(column), { name, labels });
    if (pacer.due()) await pacer.pause();
  }
}
