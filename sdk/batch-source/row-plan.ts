import type { PluginContext } from "../context.ts";
import { AgentError } from "../errors.ts";
import { copyOf } from "../exposition/text-parser.ts";
import type { Labels, MetricInfo, SeriesId } from "../series.ts";
import { numberOf, textOf } from "./numbers.ts";
import type { RowSchemaConfig, ValueConfig } from "./row-config.ts";
import { compileRules } from "./rules.ts";
import { type TimeReader, timeReader } from "./time-format.ts";
import { compileTransforms, type Layout, type RowStep, shown, transformColumns } from "./transforms.ts";
import type { Cell } from "./types.ts";
import { Zone } from "./zone.ts";

/** A time further ahead of the clock than this is a mistake; storage would refuse it too. */
export const AHEAD_MAX_MS = 600_000;
/** 1971: what is older was read in the wrong unit. */
const OLDEST_MS = 31_536_000_000;
/** Label sets whose series are remembered; of more, the first are asked for again. */
const KNOWN_MAX = 20_000;

/** Why a row is rejected: a short word for the metric, and a sentence. */
export interface Rejection {
  readonly reason: string;
  readonly message: string;
}

/** Takes the samples of rows. */
export interface SampleSink {
  sample(series: SeriesId, timeMs: number, value: number): void;
}

/** A row's samples go to the sink, or none of them, and why. */
export type BoundPlan = (row: Cell[], scheduledMs: number) => Rejection | null;

/** What a configuration says of rows, checked once, bound to each layout of columns that comes. */
export class RowPlan {
  readonly time: TimeReader;
  readonly zone: Zone;
  /** The columns that are read, in no particular order. */
  readonly columns: readonly string[];
  private readonly ctx: PluginContext;
  private readonly config: RowSchemaConfig;
  private readonly sink: SampleSink;
  private readonly known = new Map<string, (SeriesId | AgentError)[]>();

  /** Throws `batch_config_invalid`. */
  constructor(ctx: PluginContext, config: RowSchemaConfig, zone: string, sink: SampleSink) {
    this.ctx = ctx;
    this.config = config;
    this.sink = sink;
    this.zone = new Zone(config.time_zone ?? zone);
    this.time = timeReader(config.time_format ?? "iso8601", this.zone, config.time_pattern);
    this.columns = columnsOf(config);
    if ((config.values ?? []).length === 0 && config.long === undefined)
      throw new AgentError("batch_config_invalid", "a source needs values or long: which columns are to become metrics", {
        where: "/values",
      });
    // Faults of rules, steps and expressions show now and not with the first row.
    this.bind(this.columns);
  }

  /** Throws `batch_columns_missing`. */
  bind(columns: readonly string[]): BoundPlan {
    const { config, sink } = this;
    const places = new Places(columns);
    const steps = compileTransforms(config.transforms ?? [], places);
    const rules = compileRules(config.rules ?? [], places, this.time);
    const timeAt = config.time_column === undefined ? -1 : places.slot(config.time_column);
    const labels = Object.entries(config.labels ?? {}).map(([label, column]) => [label, places.slot(column)] as const);
    const values = (config.values ?? []).map((value) => ({ ...value, at: places.slot(value.column) }));
    const long = config.long && {
      name: places.slot(config.long.metric_column),
      value: places.slot(config.long.value_column),
    };
    const numbers = new Float64Array(values.length + 1);
    const { width } = places;

    return (row, scheduledMs) => {
      const given = columns.length;
      if (row.length !== given) return { reason: "columns", message: `expected ${given} columns, found ${row.length}` };
      for (let i = given; i < width; i++) row[i] = null;
      const fault = firstFault(steps, row);
      if (fault !== null) return { reason: "transform", message: fault };
      const broken = firstFault(rules, row);
      if (broken !== null) return { reason: "rule", message: broken };

      const timeMs = timeAt < 0 ? scheduledMs : this.time(row[timeAt]);
      const late = timeFault(timeMs, timeAt < 0 ? null : row[timeAt], this.ctx.clock.now());
      if (late !== null) return late;

      // All cells are read before the first sample goes out: a row counts as a whole.
      let found = 0;
      for (let i = 0; i < values.length; i++) {
        const { at, states, column } = values[i];
        if (states !== undefined) {
          const state = textOf(row[at]);
          numbers[i] = state === null || state === "" ? NaN : states.indexOf(state);
          if (numbers[i] < 0) return { reason: "value", message: `${column}: ${shown(row[at])} is none of its states` };
        } else if (!readValue(row[at], numbers, i))
          return { reason: "value", message: `${column}: ${shown(row[at])} is no number` };
        if (!Number.isNaN(numbers[i])) found++;
      }
      let metric = "";
      if (long) {
        metric = textOf(row[long.name]) ?? "";
        if (!readValue(row[long.value], numbers, values.length))
          return { reason: "value", message: `${shown(row[long.value])} is no number` };
        if (metric !== "" && !Number.isNaN(numbers[values.length])) found++;
        else numbers[values.length] = NaN;
      }
      if (found === 0) return { reason: "empty", message: "no value column has a number" };

      const texts: string[] = [];
      let key = metric;
      for (let i = 0; i < labels.length; i++) {
        texts[i] = textOf(row[labels[i][1]]) ?? "";
        key += `\u0000${texts[i]}`;
      }
      const ids = this.known.get(key) ?? this.learn(key, labels, texts, metric);
      const refused = ids.find((id) => typeof id === "object");
      if (refused !== undefined) return { reason: refused.code, message: refused.message };
      let at = 0;
      for (let i = 0; i < values.length; i++) {
        const { states } = values[i];
        for (let s = 0; s < (states?.length ?? 1); s++, at++) {
          if (Number.isNaN(numbers[i])) continue;
          sink.sample(ids[at] as SeriesId, timeMs, states === undefined ? numbers[i] : Number(numbers[i] === s));
        }
      }
      if (long && !Number.isNaN(numbers[values.length])) sink.sample(ids[at] as SeriesId, timeMs, numbers[values.length]);
      return null;
    };
  }

  /** Cells that become samples or labels, and the time: what of a rejected row may be kept as it is. */
  shownColumns(): ReadonlySet<string> {
    const { config } = this;
    const values = (config.values ?? []).map(({ column }) => column);
    const { time_column: time, long } = config;
    return new Set([
      ...values,
      ...Object.values(config.labels ?? {}),
      ...(time === undefined ? [] : [time]),
      ...(long ? [long.metric_column, long.value_column] : []),
    ]);
  }

  private learn(
    key: string,
    labels: readonly (readonly [string, number])[],
    texts: readonly string[],
    metric: string,
  ): (SeriesId | AgentError)[] {
    const { config, known } = this;
    const own: Record<string, string> = { ...config.constant_labels };
    // A label without text is no label.
    for (let i = 0; i < labels.length; i++) if (texts[i] !== "") own[labels[i][0]] = copyOf(texts[i]);
    const ids = (config.values ?? []).flatMap((value) => this.seriesOf(value, own));
    if (config.long && metric !== "") ids.push(this.define(`${config.long.prefix ?? ""}${copyOf(metric)}`, own, config.long));
    if (known.size >= KNOWN_MAX) known.clear();
    known.set(copyOf(key), ids);
    return ids;
  }

  private seriesOf(value: ValueConfig, own: Labels): (SeriesId | AgentError)[] {
    const name = value.metric ?? value.column;
    const labels = { ...own, ...value.labels };
    if (value.states === undefined) return [this.define(name, labels, value)];
    return value.states.map((state) => this.define(name, { ...labels, [name]: state }, { ...value, type: "state" }));
  }

  private define(name: string, labels: Labels, { type, unit, help }: Omit<ValueConfig, "column">): SeriesId | AgentError {
    const info: MetricInfo = {
      type: type ?? "gauge",
      help: help ?? "Read by a batch collector.",
      ...(unit !== undefined && { unit }),
    };
    try {
      return this.ctx.series(name, labels, info);
    } catch (error) {
      if (error instanceof AgentError && error.code !== "stopped") return error;
      throw error;
    }
  }
}

/** Where each column of a row stands, those that steps make too. */
class Places implements Layout {
  width: number;
  private readonly slots = new Map<string, number>();
  private readonly given: readonly string[];

  constructor(columns: readonly string[]) {
    this.given = columns;
    // Of two columns of one name the first counts.
    columns.forEach((column, i) => this.slots.has(column) || this.slots.set(column, i));
    this.width = columns.length;
  }

  slot(column: string): number {
    const slot = this.slots.get(column);
    if (slot !== undefined) return slot;
    throw new AgentError(
      "batch_columns_missing",
      `the mapping reads the column ${JSON.stringify(column)}; there are ${this.given.slice(0, 20).join(", ") || "none"}`,
      { where: column },
    );
  }

  make(column: string): number {
    const slot = this.slots.get(column) ?? this.width++;
    this.slots.set(column, slot);
    return slot;
  }

  all(): number[] {
    return [...new Set(this.slots.values())];
  }

  rename(from: string, to: string): void {
    this.slots.set(to, this.slot(from));
  }
}

function columnsOf(config: RowSchemaConfig): string[] {
  const { reads, makes } = transformColumns(config.transforms ?? []);
  const { time_column: time, long } = config;
  const used = [
    ...(time === undefined ? [] : [time]),
    ...Object.values(config.labels ?? {}),
    ...(config.values ?? []).map(({ column }) => column),
    ...(config.rules ?? []).map(({ column }) => column),
    ...(long ? [long.metric_column, long.value_column] : []),
  ];
  return [...new Set([...reads, ...used.filter((column) => !makes.includes(column) || reads.includes(column))])];
}

function firstFault(steps: readonly RowStep[], row: Cell[]): string | null {
  for (const step of steps) {
    const fault = step(row);
    if (fault !== null) return fault;
  }
  return null;
}

/** Writes the cell's number, NaN where it is missing. False for what is no finite number. */
function readValue(cell: Cell, out: Float64Array, at: number): boolean {
  const value = numberOf(cell);
  out[at] = value ?? NaN;
  return value !== undefined && (value === null || Number.isFinite(value));
}

function timeFault(timeMs: number, cell: Cell, nowMs: number): Rejection | null {
  if (timeMs >= OLDEST_MS && timeMs <= nowMs + AHEAD_MAX_MS) return null;
  if (cell === null || cell === "") return { reason: "time_missing", message: "the time is missing" };
  if (timeMs > nowMs) return { reason: "time_ahead", message: `${shown(cell)} is ahead of the clock` };
  const why = Number.isNaN(timeMs) ? "is no time of the format that is set" : "is before 1971: is the time's unit right?";
  return { reason: "time", message: `${shown(cell)} ${why}` };
}
