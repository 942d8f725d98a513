import type { PluginContext } from "../context.ts";
import { AgentError, errorText } from "../errors.ts";
import type { RouteRequest, RouteResponse } from "../kinds.ts";
import { SourceRunner } from "./source-runner.ts";
import { takeLease } from "./source-state.ts";
import type { BatchSource, BatchSourceConfig } from "./types.ts";

export { BATCH_METRICS } from "./batch-metrics.ts";
export { CsvReader, type CsvOptions, decoder, type RowFault, type RowReader, type RowSink } from "./csv-reader.ts";
export { cellPicker, JsonRowReader, valueAt } from "./json-reader.ts";
export { readExposition } from "./exposition-rows.ts";
export { compileExpression } from "./expression.ts";
export { RetryAfterError } from "./retry-after.ts";
export { scheduleOf, type Schedule } from "./schedule.ts";
export { timeLike, timeReader } from "./time-format.ts";
export { Zone } from "./zone.ts";

const TICK_MS = 1000;
const FIGURES_EVERY_MS = 10_000;
const REJECTED_SHOWN = 50;

/** The sources of one plugin instance at work. */
export class BatchWorks {
  private readonly ctx: PluginContext;
  private readonly runners: SourceRunner[] = [];
  private readonly abort = new AbortController();
  private release: (() => void) | null = null;

  constructor(ctx: PluginContext) {
    this.ctx = ctx;
  }

  /** Throws `batch_config_invalid`. */
  add(config: BatchSourceConfig, open: () => { readonly source: BatchSource; readonly mapped: boolean }): void {
    const { ctx } = this;
    if (this.runners.some(({ name }) => name === config.name))
      throw new AgentError("batch_config_invalid", `two sources have the name ${config.name}`, { where: "/sources" });
    try {
      this.runners.push(new SourceRunner({ ctx, config, ...open(), changed: () => this.tell() }));
    } catch (error) {
      if (!(error instanceof AgentError)) throw error;
      throw new AgentError(error.code, `source ${config.name}: ${error.message}`, {
        where: error.where ?? "/sources",
        cause: error,
      });
    }
  }

  /** Throws `batch_locked` while another instance works with the same marks. */
  async start(): Promise<void> {
    const { ctx, abort } = this;
    const end = (): void => abort.abort();
    ctx.signal.addEventListener("abort", end, { once: true });
    if (ctx.signal.aborted) end();
    ctx.use({ dispose: () => this.stop() });
    const token = `${ctx.clock.now()}-${ctx.random()}-${ctx.random()}`;
    this.release = await takeLease(ctx.store, token);
    try {
      for (const runner of this.runners) await runner.open();
      for (const runner of this.runners) ctx.every(TICK_MS, () => runner.tick(abort.signal));
      ctx.every(FIGURES_EVERY_MS, () => this.emitFigures());
    } catch (error) {
      await this.stop();
      throw error;
    }
    if (abort.signal.aborted) await this.stop();
  }

  /** Ends what is under way and waits for it. Legal at any time, and twice. */
  async stop(): Promise<void> {
    this.abort.abort();
    await Promise.allSettled(this.runners.map((runner) => runner.settled()));
    this.release?.();
    this.release = null;
  }

  /** GET: how the sources are, with what they rejected last. POST with `?source=`: runs it now. */
  async handle(request: RouteRequest, signal: AbortSignal): Promise<RouteResponse> {
    if (request.method === "POST") {
      const name = request.query.get("source") ?? "";
      const runner = this.runners.find((one) => one.name === name);
      if (!runner) return json(404, { error: `there is no source ${JSON.stringify(name)}` });
      await runner.runNow(this.abort.signal);
      return json(200, runner.report());
    }
    const sources = [];
    for (const runner of this.runners) {
      signal.throwIfAborted();
      sources.push({ ...runner.report(), rejected: await runner.rejects.recent(REJECTED_SHOWN).catch(errorText) });
    }
    return json(200, { sources });
  }

  private emitFigures(): void {
    if (!this.abort.signal.aborted) for (const runner of this.runners) runner.emitFigures();
  }

  private tell(): void {
    const problems = this.runners.flatMap(({ name, problem }) => (problem === null ? [] : [`${name}: ${problem}`]));
    if (problems.length === 0) this.ctx.status("ok");
    else this.ctx.status("degraded", problems.slice(0, 3).join("; "));
  }
}

function json(status: number, body: unknown): RouteResponse {
  return { status, contentType: "application/json", body: JSON.stringify(body) };
}
