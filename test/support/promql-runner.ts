/** Runs a PromQL test script against the engine, in process. */
import { AgentError, type Labels } from "all-use-agent/sdk";
import { type EngineOptions, QueryEngine, type QueryResult, STALE_NAN } from "../../main/query/index.ts";
import { matchesAll, MemorySource } from "./memory-source.ts";
import { type Eval, type Load, readScript, type ScriptSeries } from "./promql-script.ts";

export interface Failure {
  readonly line: number;
  readonly query: string;
  readonly reason: string;
}

export interface Report {
  readonly passed: number;
  /** Evals that need native histograms, which are not stored. */
  readonly skipped: number;
  readonly failures: readonly Failure[];
}

type Labeled = Readonly<Record<string, string>>;

function keyOf(labels: Labeled): string {
  return JSON.stringify(
    Object.keys(labels)
      .sort()
      .map((name) => [name, labels[name]]),
  );
}

/** Prometheus' own tolerance: a relative 1e-6 of the sum of both. */
export function almostEqual(a: number, b: number): boolean {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number.isNaN(a) && Number.isNaN(b);
  if (a === b) return true;
  const size = Math.abs(a) + Math.abs(b);
  const difference = Math.abs(a - b);
  if (a === 0 || b === 0 || size < 2 ** -1022) return difference < 1e-6 * 2 ** -1022;
  return difference / Math.min(size, Number.MAX_VALUE) < 1e-6;
}

class Store {
  source = new MemorySource();
  /** Series that hold native histograms and could not be loaded. */
  missing: Labeled[] = [];

  load({ series, stepMs, derivesHistograms }: Load): void {
    for (const { labels, points } of series) {
      const { __name__: name = "", ...rest } = labels;
      if (points.includes("histogram")) {
        this.missing.push(labels);
        continue;
      }
      if (derivesHistograms && /_(bucket|count|sum)$/.test(name)) {
        const { le: _le, ...kept } = rest;
        this.missing.push({ ...kept, __name__: name.replace(/_(bucket|count|sum)$/, "") });
      }
      const timestamps: number[] = [];
      const values = new Float64Array(points.length);
      points.forEach((point, i) => {
        if (point === null) return;
        values[timestamps.length] = point === "stale" ? STALE_NAN : (point as number);
        timestamps.push(i * stepMs);
      });
      this.add(name, rest, timestamps, values.subarray(0, timestamps.length));
    }
  }

  /** A later definition of a series adds the samples that it does not have yet, and replaces the others. */
  private add(name: string, labels: Labels, timestamps: readonly number[], values: Float64Array): void {
    const key = keyOf({ ...labels, __name__: name });
    const at = this.source.series.findIndex((one) => keyOf({ ...one.labels, __name__: one.name }) === key);
    if (at >= 0) this.source.series.splice(at, 1);
    this.source.add(name, labels, timestamps, values);
  }
}

function compareSeries(
  command: Eval,
  got: readonly { labels: Labels; times: ArrayLike<number>; values: ArrayLike<number> }[],
): string | null {
  const wanted = new Map<string, ScriptSeries & { position: number }>();
  command.expected.forEach((series, position) => wanted.set(keyOf(series.labels), { ...series, position }));
  const place = command.range ?? command.rangeVector ?? { fromMs: command.timeMs, stepMs: 0 };
  const seen = new Set<string>();
  for (const [position, { labels, times, values }] of got.entries()) {
    const key = keyOf(labels);
    const series = wanted.get(key);
    if (series === undefined) return `unexpected series ${key} ${Array.from(values).join(" ")}`;
    if (seen.has(key)) return `series ${key} came twice`;
    seen.add(key);
    if (command.ordered && series.position !== position)
      return `series ${key} is number ${position + 1}, expected ${series.position + 1}`;
    const points = series.points
      .map((point, i) => ({ at: place.fromMs + i * place.stepMs, point }))
      .filter(({ point }) => point !== null);
    const shown = `${key}: got ${Array.from(values).join(" ")} at ${Array.from(times).join(" ")}`;
    if (points.length !== values.length) return `${shown}; expected ${points.length} points`;
    for (const [i, { at, point }] of points.entries()) {
      if (times[i] !== at) return `${shown}; expected a point at ${at}`;
      if (!almostEqual(values[i], point as number)) return `${shown}; expected ${String(point)}`;
    }
  }
  for (const key of wanted.keys()) if (!seen.has(key)) return `series ${key} is missing`;
  return null;
}

function compare(command: Eval, result: QueryResult): string | null {
  const annotated = compareAnnotations(command, result);
  if (annotated !== null) return annotated;
  switch (result.type) {
    case "scalar":
      if (command.scalar === null) return `unexpected scalar ${result.value}`;
      return almostEqual(result.value, command.scalar) ? null : `scalar ${result.value}, expected ${command.scalar}`;
    case "string":
      return result.value === command.text
        ? null
        : `string ${JSON.stringify(result.value)}, expected ${JSON.stringify(command.text)}`;
    case "vector":
      if (command.scalar !== null) return "a vector, expected a scalar";
      return compareSeries(
        command,
        result.rows.map((row) => ({ labels: row.labels, times: [row.timestampMs], values: [row.value] })),
      );
    default:
      return compareSeries(
        command,
        result.series.map((series) => ({ labels: series.labels, times: series.timestamps, values: series.values })),
      );
  }
}

function compareAnnotations(command: Eval, result: QueryResult): string | null {
  for (const { kind, match, regex } of command.annotations) {
    const found = kind.endsWith("warn") ? result.warnings : result.infos;
    if (kind.startsWith("no_")) {
      if (found.length > 0) return `${kind}, but got: ${found.join("; ")}`;
    } else if (found.length === 0) return `expected ${kind}`;
    else if (match !== null && !found.some((text) => (regex ? new RegExp(match).test(text) : text === match))) {
      return `expected ${kind} ${match}, got: ${found.join("; ")}`;
    }
  }
  return null;
}

async function evaluate(engine: QueryEngine, command: Eval): Promise<string | null> {
  let result: QueryResult;
  try {
    result =
      command.range === null
        ? await engine.instant(command.query, command.timeMs)
        : await engine.range(command.query, command.range.fromMs, command.range.toMs, command.range.stepMs);
  } catch (error) {
    if (!(error instanceof AgentError)) return `threw ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
    if (!command.fail) return `${error.code}: ${error.message}`;
    // Every query of the scripts is valid: one that cannot even be read fails for the wrong reason.
    return error.code === "query_execution" ? null : `failed with ${error.code}: ${error.message}`;
  }
  return command.fail ? "succeeded, expected a failure" : compare(command, result);
}

export async function runScript(text: string, options: EngineOptions = {}): Promise<Report> {
  let store = new Store();
  const engine = new QueryEngine(() => store.source, options);
  const failures: Failure[] = [];
  let passed = 0;
  let skipped = 0;
  for (const command of readScript(text)) {
    if (command.kind === "clear") store = new Store();
    else if (command.kind === "load") store.load(command);
    else if (needsHistograms(engine, command, store)) skipped++;
    else {
      const reason = await evaluate(engine, command);
      if (reason === null) passed++;
      else failures.push({ line: command.line, query: command.query, reason });
    }
  }
  return { passed, skipped, failures };
}

function needsHistograms(engine: QueryEngine, command: Eval, store: Store): boolean {
  if (command.expected.some(({ points }) => points.includes("histogram"))) return true;
  if (store.missing.length === 0) return false;
  let selectors;
  try {
    selectors = engine.selectors(command.query);
  } catch {
    return false;
  }
  return store.missing.some(({ __name__: name = "", ...labels }) =>
    selectors.some((matchers) => matchesAll(matchers, name, labels)),
  );
}
