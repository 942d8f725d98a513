import type { AdviceView, DocumentStorage, SeriesStorage } from "../kinds.ts";
import type { Finding } from "../knowledge.ts";
import type { Batch } from "../series.ts";
import { AgentError } from "../errors.ts";
import { SampleSource } from "./source.ts";
import { demand, type Trial } from "./trial.ts";

/** The methods without which a kind is none. A storage has those of what it provides. */
export function requiredMethods(trial: Trial): readonly string[] {
  switch (trial.manifest.kind) {
    case "processor":
      return ["process"];
    case "analytics":
      return ["observe"];
    case "model":
      return ["fit"];
    case "recommender":
      return ["advise"];
    case "storage":
      return isDocuments(trial)
        ? ["collection"]
        : ["define", "append", "flush", "select", "series", "gap", "gaps", "seal", "deleteSeries", "stats"];
    default:
      return [];
  }
}

function isDocuments(trial: Trial): boolean {
  return trial.manifest.provides?.includes("documents") ?? false;
}

/** Uses a plugin as the agent would, one tick at a time. */
export class Driver {
  readonly source: SampleSource;
  /** What comes out of it beside samples and findings: predictions, advice, what was stored. */
  readonly answers: unknown[] = [];
  private readonly trial: Trial;
  private ticks = 0;
  private defined = false;

  constructor(trial: Trial, seed = 1) {
    this.trial = trial;
    this.source = new SampleSource(trial.ctx, seed);
  }

  /** Takes batches: a processor, analytics, a store of series, an exporter that sends. */
  get receives(): boolean {
    const { plugin } = this.trial;
    return [plugin.process, plugin.observe, (plugin as Partial<SeriesStorage>).append, plugin.send].some(
      (method) => typeof method === "function",
    );
  }

  /** One interval of time, then one call of what the kind is for. `after` sees the batch when the call is over. */
  async tick(after: (batch: Batch) => void = () => {}): Promise<void> {
    const { ctx, intervalMs } = this.trial;
    await ctx.advance(intervalMs);
    this.ticks++;
    if (this.receives) {
      const batch = this.source.next(ctx.clock.now());
      await this.give(batch);
      after(batch);
    } else await this.ask();
    await this.answerRoutes();
  }

  /** Hands a batch over the way the pipeline does. */
  async give(batch: Batch): Promise<void> {
    const { plugin, ctx } = this.trial;
    const store = plugin as Partial<SeriesStorage>;
    if (store.append) {
      if (!this.defined) this.source.series.forEach((id, i) => store.define?.(id, this.source.infos[i]));
      this.defined = true;
      store.append(batch);
      if (this.ticks % 20 === 0) await store.flush?.();
    }
    plugin.process?.(batch);
    plugin.observe?.(batch);
    try {
      await plugin.send?.(batch, ctx.signal);
    } catch (error) {
      // Where it sends to is not there: an exporter says so, and the agent tries again or counts the batch as lost.
      if (!["retryable", "permanent"].includes((error as AgentError | null)?.code ?? "")) throw error;
    }
  }

  /** Everything that shows how the plugin behaved, as text. */
  async behaviour(): Promise<string> {
    const { plugin, ctx } = this.trial;
    const store = plugin as Partial<SeriesStorage>;
    let kept: unknown = null;
    if (store.select) {
      const matchers = [{ label: "__name__", op: "=~" as const, value: "kit_.+" }];
      const found = await store.select({ matchers, fromMs: 0, toMs: ctx.clock.now() });
      kept = found
        .map(({ name, labels, timestamps, values }) => [name, labels, [...timestamps], [...values]])
        .map((row) => JSON.stringify(row))
        .sort();
    }
    return JSON.stringify([ctx.emitted, ctx.findings, kept]);
  }

  private async ask(): Promise<void> {
    const { plugin, ctx, manifest } = this.trial;
    switch (manifest.kind) {
      case "collector":
        await plugin.collect?.(ctx.signal);
        break;
      case "model":
        await this.learn();
        break;
      case "recommender":
        await this.takeAdvice(adviceView(this.trial));
        break;
      case "storage":
        await this.document();
        break;
      default:
    }
  }

  private async learn(): Promise<void> {
    const { plugin, ctx } = this.trial;
    const rows = 120;
    const data = { timestamps: new Float64Array(rows), values: new Float64Array(rows) };
    for (let row = 0; row < rows; row++) {
      data.timestamps[row] = ctx.clock.now() - (rows - row) * 1000;
      data.values[row] = row + Math.sin(row / 5);
    }
    const fitted = await plugin.fit?.(data, ctx.signal);
    const forecast = await fitted?.predict(1000, 10, 0.9);
    demand(forecast?.expected.length === 10, "predict(1000, 10, 0.9) must answer with 10 steps");
    for (let i = 0; i < 10; i++) {
      const { expected, low, high, timestampsMs } = forecast;
      demand(
        low[i] <= expected[i] && expected[i] <= high[i] && timestampsMs[i] > ctx.clock.now() - 2000,
        `a forecast needs low ≤ expected ≤ high at times after its data; found ${low[i]}, ${expected[i]}, ${high[i]}`,
      );
    }
  }

  private async takeAdvice(view: AdviceView): Promise<void> {
    const { plugin, ctx } = this.trial;
    for (const { key, confidence, expiresMs } of (await plugin.advise?.(view, ctx.signal)) ?? []) {
      demand(confidence >= 0 && confidence <= 1, `the advice ${key} has the confidence ${confidence}; it lies in 0..1`);
      demand(expiresMs > view.nowMs, `the advice ${key} has expired when it is given`);
    }
  }

  private async document(): Promise<void> {
    const store = this.trial.plugin as unknown as DocumentStorage;
    const things = store.collection<{ _id: string; at: number }>("kit", { maxDocuments: 50, orderBy: "at" });
    const id = `d${this.ticks % 80}`;
    await things.put({ _id: id, at: this.ticks });
    demand((await things.get(id))?.at === this.ticks, "a document that was put must be there to get");
    demand((await things.count()) <= 50, "a collection holds at most maxDocuments");
  }

  private async answerRoutes(): Promise<void> {
    const { plugin, manifest, ctx } = this.trial;
    for (const { method, path } of manifest.routes ?? []) {
      const answer = await plugin.handle?.(
        {
          method,
          path,
          query: new URLSearchParams(),
          header: () => undefined,
          body: () => Promise.resolve(new Uint8Array()),
        },
        ctx.signal,
      );
      demand(
        answer !== undefined && answer.status >= 200 && answer.status < 600,
        `${method} ${path} must be answered by handle()`,
      );
    }
  }
}

function adviceView(trial: Trial): AdviceView {
  const { ctx } = trial;
  const finding: Finding = Object.freeze({
    id: "kit-1",
    kind: "anomaly",
    source: "analytics/kit",
    metric: "kit_level",
    labels: Object.freeze({ n: "1" }),
    startMs: ctx.clock.now() - 60_000,
    endMs: null,
    score: 0.99,
    severity: "attention",
    summary: "A level is unusually high.",
    evidence: Object.freeze([]),
  });
  return Object.freeze({
    nowMs: ctx.clock.now(),
    findings: Object.freeze([finding]),
    query: (expr: string, timeMs?: number) => ctx.query(expr, timeMs),
    queryRange: (expr: string, fromMs: number, toMs: number, stepMs: number) => ctx.queryRange(expr, fromMs, toMs, stepMs),
    forecast: () => Promise.resolve(null),
  });
}

/** An error that the plugin gave as its answer is fine; any other is not. */
export function isAnswer(error: unknown): boolean {
  return error instanceof AgentError && error.code !== "conformance" && error.code !== "metric_undeclared";
}
