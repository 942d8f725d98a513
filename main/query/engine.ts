import { AgentError, type Matcher } from "all-use-agent/sdk";
import { Annotations } from "./annotations.ts";
import { children, type Node, type ValueType } from "./ast.ts";
import { check, TYPE_NAMES } from "./check.ts";
import { Evaluation, type QuerySource } from "./evaluate.ts";
import { format } from "./format.ts";
import { Budget, DEFAULT_LIMITS, type QueryLimits } from "./limits.ts";
import { parse } from "./parse.ts";
import { instantResult, type QueryResult, rangeResult } from "./result.ts";
import type { Grid, Value } from "./value.ts";

export interface EngineOptions {
  /** How far back an instant selector looks for a sample. */
  readonly lookbackMs?: number;
  /** Step of subqueries that name none. */
  readonly subqueryStepMs?: number;
  /** As Prometheus' feature flag `promql-delayed-name-removal`: dropped names stay visible to label functions. */
  readonly delayedNameRemoval?: boolean;
  readonly limits?: Partial<QueryLimits>;
}

export interface QueryOptions {
  readonly signal?: AbortSignal;
  readonly lookbackMs?: number;
  /** At most the engine's own limit. */
  readonly timeoutMs?: number;
}

interface Prepared {
  readonly node: Node;
  readonly type: ValueType;
}

/** Expressions kept parsed; the least recently used goes. Long ones are not kept: they would hold much for rare use. */
const MAX_PREPARED = 500;
const MAX_PREPARED_LENGTH = 4_000;

/**
 * PromQL over whatever source there is at the time of the query. Safe to call concurrently. Every method throws
 * AgentError with a `query_*` code.
 */
export class QueryEngine {
  private readonly source: () => QuerySource;
  private readonly limits: QueryLimits;
  private readonly lookbackMs: number;
  private readonly subqueryStepMs: number;
  private readonly delayedNameRemoval: boolean;
  private readonly prepared = new Map<string, Prepared>();

  constructor(source: () => QuerySource, options: EngineOptions = {}) {
    this.source = source;
    this.limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.lookbackMs = options.lookbackMs ?? 300_000;
    this.subqueryStepMs = options.subqueryStepMs ?? 60_000;
    this.delayedNameRemoval = options.delayedNameRemoval ?? false;
  }

  /** The value at one instant. */
  async instant(expr: string, timeMs: number, options: QueryOptions = {}): Promise<QueryResult> {
    const { node } = this.prepare(expr);
    const grid: Grid = { startMs: wholeMs(timeMs, "time"), stepMs: 0, steps: 1 };
    return this.run(expr, node, grid, options, (value) => instantResult(value, grid));
  }

  /** The values at `fromMs`, `fromMs + stepMs` … up to `toMs`. */
  async range(expr: string, fromMs: number, toMs: number, stepMs: number, options: QueryOptions = {}): Promise<QueryResult> {
    const { node, type } = this.prepare(expr);
    if (type !== "scalar" && type !== "vector") {
      throw new AgentError(
        "query_type",
        `invalid expression type ${JSON.stringify(TYPE_NAMES[type])} for range query, must be Scalar or instant Vector`,
      );
    }
    const startMs = wholeMs(fromMs, "start");
    const endMs = wholeMs(toMs, "end");
    const step = wholeMs(stepMs, "step");
    if (step <= 0)
      throw new AgentError(
        "query_type",
        "zero or negative query resolution step widths are not accepted. Try a positive integer",
      );
    if (endMs < startMs) throw new AgentError("query_type", "end timestamp must not be before start time");
    const steps = Math.floor((endMs - startMs) / step) + 1;
    if (steps > this.limits.steps) {
      throw new AgentError(
        "query_limit_steps",
        `exceeded maximum resolution of ${this.limits.steps} points per timeseries. Try decreasing the query resolution (?step=XX)`,
      );
    }
    const grid: Grid = { startMs, stepMs: step, steps };
    return this.run(expr, node, grid, options, (value) => rangeResult(value, grid), endMs);
  }

  /** The expression in canonical form, broken into lines where it is long. */
  format(expr: string): string {
    return format(this.parseOnly(expr));
  }

  /** The type of the expression's result. */
  check(expr: string): ValueType {
    return this.prepare(expr).type;
  }

  /** The matchers of every selector in the expression, in order. */
  selectors(expr: string): Matcher[][] {
    const found: Matcher[][] = [];
    const visit = (node: Node): void => {
      if (node.type === "selector") found.push([...node.matchers]);
      else for (const child of children(node)) visit(child);
    };
    visit(this.prepare(expr).node);
    return found;
  }

  private parseOnly(expr: string): Node {
    return parse(expr, this.limits);
  }

  private prepare(expr: string): Prepared {
    const known = this.prepared.get(expr);
    if (known !== undefined) {
      this.prepared.delete(expr);
      this.prepared.set(expr, known);
      return known;
    }
    const node = this.parseOnly(expr);
    const prepared: Prepared = { node, type: check(node, expr) };
    if (expr.length <= MAX_PREPARED_LENGTH) {
      this.prepared.set(expr, prepared);
      if (this.prepared.size > MAX_PREPARED) this.prepared.delete(this.prepared.keys().next().value!);
    }
    return prepared;
  }

  private async run<T extends object>(
    expr: string,
    node: Node,
    grid: Grid,
    options: QueryOptions,
    finish: (value: Value) => T,
    endMs: number = grid.startMs,
  ): Promise<T & { warnings: string[]; infos: string[] }> {
    const timeoutMs = Math.min(options.timeoutMs ?? Number.POSITIVE_INFINITY, this.limits.timeoutMs);
    const budget = new Budget(this.limits, timeoutMs, options.signal);
    budget.check();
    const notes = new Annotations(expr);
    const cancel = new AbortController();
    let giveUp!: (error: AgentError) => void;
    const aborted = new Promise<never>((_, reject) => (giveUp = reject));
    aborted.catch(() => {});
    const timer = setTimeout(() => stop(budget.timeout()), Math.min(timeoutMs, 2 ** 31 - 1));
    const onAbort = (): void => stop(new AgentError("query_canceled", "the query was canceled by its caller"));
    function stop(error: AgentError): void {
      giveUp(error);
      cancel.abort(error);
    }
    options.signal?.addEventListener("abort", onAbort, { once: true });
    try {
      const evaluation = new Evaluation(
        {
          source: this.source(),
          lookbackMs: options.lookbackMs ?? this.lookbackMs,
          subqueryStepMs: this.subqueryStepMs,
          delayedNameRemoval: this.delayedNameRemoval,
          limits: this.limits,
          budget,
          notes,
          signal: cancel.signal,
          aborted,
        },
        grid,
        endMs,
      );
      const value = await evaluation.run(node);
      return { ...finish(value), warnings: [...notes.warnings], infos: [...notes.infos] };
    } catch (error) {
      // Whatever a store throws because it was told to stop, the reason is ours.
      budget.check();
      // Selects still under way have nobody left to wait for them.
      cancel.abort();
      throw error;
    } finally {
      clearTimeout(timer);
      options.signal?.removeEventListener("abort", onAbort);
    }
  }
}

function wholeMs(value: number, what: string): number {
  const ms = Math.round(value);
  if (!Number.isSafeInteger(ms)) throw new AgentError("query_type", `the ${what} must be a time in milliseconds, got ${value}`);
  return ms;
}
