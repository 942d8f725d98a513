import type { Matcher, SelectRequest, SeriesData } from "all-use-agent/sdk";
import { AgentError } from "all-use-agent/sdk";
import { aggregate } from "./aggregate.ts";
import type { Annotations } from "./annotations.ts";
import { type AggregateNode, children, type MatrixNode, type Node, type SelectorNode, type SubqueryNode, unwrap } from "./ast.ts";
import { evaluateBinary } from "./binary.ts";
import { type DurationContext, resolveDuration, resolvePositive } from "./durations.ts";
import { functionNamed } from "./functions/index.ts";
import { isStepInvariant } from "./invariant.ts";
import { type LabelSet, labelSetOf } from "./labels.ts";
import type { Budget, QueryLimits } from "./limits.ts";
import { requireReach } from "./reach.ts";
import { instantVector, smoothedVector, vectorColumns } from "./select.ts";
import { withoutStale } from "./stale.ts";
import {
  dropLeavingNames,
  dropNames,
  emptyVector,
  joinEqual,
  type Column,
  type Grid,
  type Matrix,
  type Scalar,
  type Value,
  type Vector,
} from "./value.ts";

/** Where samples come from. A series store is one. */
export interface QuerySource {
  select(request: SelectRequest): Promise<SeriesData[]>;
}

export interface Settings {
  readonly source: QuerySource;
  readonly lookbackMs: number;
  readonly subqueryStepMs: number;
  /** Names that operations drop stay visible to label functions until the query ends. */
  readonly delayedNameRemoval: boolean;
  readonly limits: QueryLimits;
  readonly budget: Budget;
  readonly notes: Annotations;
  /** Passed to the source; aborts with the asker's signal and at the deadline. */
  readonly signal: AbortSignal;
  /** Rejects when `signal` aborts. */
  readonly aborted: Promise<never>;
}

/** One evaluation of one expression: fetches what its selectors need, then computes bottom-up, a column at a time. */
export class Evaluation {
  readonly settings: Settings;
  readonly budget: Budget;
  readonly notes: Annotations;
  /** The whole query's grid, for `@ start()`, `step()` and the like. */
  readonly query: Grid;
  private readonly durations: DurationContext;
  private readonly fetched = new Map<SelectorNode, Promise<SeriesData[]>>();
  private readonly requests = new Map<string, Promise<SeriesData[]>>();

  readonly queryEndMs: number;

  /** `queryEndMs` is the end that was asked for, which the last step need not reach. */
  constructor(settings: Settings, query: Grid, queryEndMs: number) {
    this.settings = settings;
    this.budget = settings.budget;
    this.notes = settings.notes;
    this.query = query;
    this.queryEndMs = queryEndMs;
    this.durations = { stepMs: query.stepMs, rangeMs: queryEndMs - query.startMs };
  }

  async run(root: Node): Promise<Value> {
    this.prefetch(root, this.query);
    const node = unwrap(root);
    if (node.type === "matrix" || node.type === "subquery") return this.withoutLeavingNames(await this.matrix(node, this.query));
    const value = await this.evaluate(node, this.query);
    return value.kind === "vector" ? dropLeavingNames(value) : value;
  }

  /** The vector as it leaves an operation that changes what its values mean. */
  dropNames(vector: Vector): Vector {
    if (!this.settings.delayedNameRemoval) return dropNames(vector);
    return { ...vector, sets: vector.sets.map((set) => set.withLeavingName()) };
  }

  /** The same for one label set. */
  nameless(set: LabelSet): LabelSet {
    return this.settings.delayedNameRemoval ? set.withLeavingName() : set.withoutName();
  }

  private withoutLeavingNames(matrix: Matrix): Matrix {
    if (!matrix.sets.some((set) => set.leaving)) return matrix;
    const sets = matrix.sets.map((set) => (set.leaving ? set.withoutName() : set));
    // Only for its complaint about equal label sets.
    joinEqual({ kind: "vector", sets, steps: 1, values: new Float64Array(sets.length), present: null });
    return { ...matrix, sets };
  }

  endMs(grid: Grid): number {
    return grid.startMs + (grid.steps - 1) * grid.stepMs;
  }

  offsetMs(node: SelectorNode | SubqueryNode): number {
    return node.offset === null ? 0 : resolveDuration(node.offset, this.durations);
  }

  /** The time that `@` names, or null without one. */
  atMs(node: SelectorNode | SubqueryNode): number | null {
    if (node.at === null) return null;
    if (node.at.at === "time") return node.at.ms;
    return node.at.at === "start" ? this.query.startMs : this.queryEndMs;
  }

  /** Starts every select of the expression at once; evaluation then waits for each where it needs it. */
  private prefetch(node: Node, grid: Grid): void {
    if (node.type === "selector") {
      this.fetch(node, grid, 0);
    } else if (node.type === "matrix") {
      this.fetch(node.selector, grid, resolvePositive(node.range, this.durations));
    } else if (node.type === "subquery") {
      const inner = this.subqueryGrid(node, grid);
      if (inner.steps > 0) this.prefetch(node.expr, inner);
    } else {
      // What `info()` has as its second argument is no selector of its own.
      const args = node.type === "call" && node.name === "info" ? node.args.slice(0, 1) : children(node);
      for (const child of args) this.prefetch(child, grid);
    }
  }

  /** `rangeMs` 0 means an instant selector. */
  private fetch(node: SelectorNode, grid: Grid, rangeMs: number): void {
    const { lookbackMs, source, signal, limits } = this.settings;
    const offsetMs = this.offsetMs(node);
    const at = this.atMs(node);
    const first = (at ?? grid.startMs) - offsetMs;
    const last = (at ?? this.endMs(grid)) - offsetMs;
    const beforeMs = (rangeMs === 0 ? lookbackMs : rangeMs) + (rangeMs !== 0 && node.reach !== "plain" ? lookbackMs : 0);
    const lastOnly = rangeMs === 0 && node.reach === "plain" && (grid.steps === 1 || at !== null);
    // Windows are open on the left; times are whole milliseconds.
    const fromMs = first - beforeMs + 1;
    const toMs = last + (node.reach === "smoothed" ? lookbackMs : 0);
    const key = `${fromMs} ${toMs} ${lastOnly} ${JSON.stringify(node.matchers)}`;
    let request = this.requests.get(key);
    if (request === undefined) {
      request = Promise.race([
        source.select({ matchers: node.matchers, fromMs, toMs, lastOnly, limitSamples: this.budget.remaining(), signal }),
        this.settings.aborted,
      ]).then((series) => {
        if (series.length > limits.series) {
          throw new AgentError(
            "query_limit_series",
            `the query would load ${series.length} series, at most ${limits.series} are allowed; add matchers`,
          );
        }
        let samples = 0;
        for (const one of series) samples += one.values.length;
        this.budget.load(samples);
        return series;
      });
      // Whoever needs it first reports the failure; until then it must not count as unhandled.
      request.catch(() => {});
      this.requests.set(key, request);
    }
    this.fetched.set(node, request);
  }

  private series(node: SelectorNode): Promise<SeriesData[]> {
    return this.fetched.get(node)!;
  }

  /** Steps of the inner expression: multiples of the subquery's step inside all windows of the outer grid. */
  private subqueryGrid(node: SubqueryNode, grid: Grid): Grid {
    const stepMs = node.step === null ? this.settings.subqueryStepMs : resolvePositive(node.step, this.durations);
    const rangeMs = resolvePositive(node.range, this.durations);
    const offsetMs = this.offsetMs(node);
    const at = this.atMs(node);
    const after = (at ?? grid.startMs) - offsetMs - rangeMs;
    const last = (at ?? this.endMs(grid)) - offsetMs;
    const startMs = (Math.floor(after / stepMs) + 1) * stepMs;
    const steps = Math.max(0, Math.floor((last - startMs) / stepMs) + 1);
    this.budget.reserve(steps);
    return { startMs, stepMs, steps };
  }

  async evaluate(node: Node, grid: Grid): Promise<Value> {
    if (grid.steps > 1 && node.type !== "number" && node.type !== "string" && isStepInvariant(node)) {
      const once = await this.evaluateNode(node, { startMs: grid.startMs, stepMs: grid.stepMs, steps: 1 });
      return this.repeat(once, grid.steps);
    }
    return this.evaluateNode(node, grid);
  }

  private async evaluateNode(node: Node, grid: Grid): Promise<Value> {
    switch (node.type) {
      case "number":
        return { kind: "scalar", values: new Float64Array(grid.steps).fill(node.value) };
      case "string":
        return { kind: "string", text: node.value };
      case "paren":
        return this.evaluate(node.expr, grid);
      case "selector": {
        const series = await this.series(node);
        return node.reach === "smoothed" ? smoothedVector(this, node, series, grid) : instantVector(this, node, series, grid);
      }
      case "unary":
        return this.unary(await this.evaluate(node.expr, grid), node.op);
      case "binary":
        return evaluateBinary(this, node, await this.evaluate(node.left, grid), await this.evaluate(node.right, grid), grid);
      case "aggregate":
        return this.aggregate(node, grid);
      case "call":
        requireReach(node);
        return functionNamed(node.name)!.evaluate({ run: this, node, grid });
      default:
        throw new AgentError("query_type", "a range vector cannot be evaluated at an instant");
    }
  }

  async vector(node: Node, grid: Grid): Promise<Vector> {
    return (await this.evaluate(node, grid)) as Vector;
  }

  /** When the samples of the selector were taken, in seconds. */
  async timestamps(node: SelectorNode, grid: Grid): Promise<Vector> {
    return instantVector(this, node, await this.series(node), grid, "timestamp");
  }

  /**
   * Sample times of the series that `info()` takes labels from, with the offset and `@` of the first selector in `like`.
   */
  async infoSeries(matchers: readonly Matcher[], like: Node, grid: Grid): Promise<Vector> {
    const model = firstSelector(like);
    const node: SelectorNode = {
      type: "selector",
      from: like.from,
      to: like.to,
      name: null,
      matchers,
      offset: model?.offset ?? null,
      at: model?.at ?? null,
      reach: "plain",
    };
    this.fetch(node, grid, 0);
    return this.timestamps(node, grid);
  }

  async scalar(node: Node, grid: Grid): Promise<Float64Array> {
    return ((await this.evaluate(node, grid)) as Scalar).values;
  }

  async text(node: Node, grid: Grid): Promise<string> {
    const value = await this.evaluate(node, grid);
    return value.kind === "string" ? value.text : "";
  }

  /** The columns behind a range selector or a subquery, wherever the parentheses are. */
  async matrix(node: Node, grid: Grid): Promise<Matrix> {
    const inner = unwrap(node) as MatrixNode | SubqueryNode;
    const rangeMs = resolvePositive(inner.range, this.durations);
    if (inner.type === "matrix") {
      const { selector } = inner;
      const series = await this.series(selector);
      const columns: Column[] = [];
      for (const one of series) {
        columns.push(withoutStale(one));
        if (this.budget.spend(one.values.length)) await this.budget.pause();
      }
      return {
        kind: "matrix",
        sets: series.map(labelSetOf),
        columns,
        rangeMs,
        offsetMs: this.offsetMs(selector),
        atMs: this.atMs(selector),
      };
    }
    const innerGrid = this.subqueryGrid(inner, grid);
    const vector = innerGrid.steps === 0 ? emptyVector(0) : await this.vector(inner.expr, innerGrid);
    return {
      kind: "matrix",
      ...vectorColumns(vector, innerGrid),
      rangeMs,
      offsetMs: this.offsetMs(inner),
      atMs: this.atMs(inner),
    };
  }

  private unary(value: Value, op: "+" | "-"): Value {
    if (op === "+" || (value.kind !== "scalar" && value.kind !== "vector")) return value;
    const values = new Float64Array(value.values.length);
    for (let k = 0; k < values.length; k++) values[k] = -value.values[k];
    return value.kind === "scalar" ? { kind: "scalar", values } : this.dropNames({ ...value, values });
  }

  private async aggregate(node: AggregateNode, grid: Grid): Promise<Vector> {
    const param = node.param === null ? null : await this.evaluate(node.param, grid);
    return aggregate(this, node, param, await this.vector(node.expr, grid), grid);
  }

  private repeat(value: Value, steps: number): Value {
    if (value.kind === "scalar") return { kind: "scalar", values: new Float64Array(steps).fill(value.values[0]) };
    if (value.kind !== "vector") return value;
    const count = value.sets.length;
    this.budget.reserve(count * steps);
    const values = new Float64Array(count * steps);
    for (let r = 0; r < count; r++) values.fill(value.values[r], r * steps, (r + 1) * steps);
    let present: Uint8Array | null = null;
    if (value.present !== null) {
      present = new Uint8Array(count * steps);
      for (let r = 0; r < count; r++) present.fill(value.present[r], r * steps, (r + 1) * steps);
    }
    return { kind: "vector", sets: value.sets, steps, values, present };
  }
}

function firstSelector(node: Node): SelectorNode | null {
  if (node.type === "selector") return node;
  for (const child of children(node)) {
    const found = firstSelector(child);
    if (found !== null) return found;
  }
  return null;
}
