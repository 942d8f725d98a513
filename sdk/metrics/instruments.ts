import type { Disposable, PluginContext } from "../context.ts";
import { AgentError } from "../errors.ts";
import { RowWriter } from "./row-writer.ts";

/** What can be emitted together: each instrument of a plugin. */
export interface Instrument {
  readonly name: string;
  write(rows: RowWriter, nowMs: number): void;
  /** Writes rows with times of their own, which may be older than what was emitted. */
  writePast?(rows: RowWriter, nowMs: number): void;
}

/** The instruments of one plugin instance. */
export class Instruments {
  private readonly ctx: PluginContext;
  private readonly byName = new Map<string, Instrument>();
  private readonly rows = new RowWriter();
  private newestMs = -Infinity;

  constructor(ctx: PluginContext) {
    this.ctx = ctx;
  }

  /** Throws `metric_invalid` for a name that is taken. */
  add<T extends Instrument>(instrument: T): T {
    if (this.byName.has(instrument.name))
      throw new AgentError("metric_invalid", `${this.ctx.id} makes two instruments named ${instrument.name}: keep the first`);
    this.byName.set(instrument.name, instrument);
    return instrument;
  }

  /**
   * Emits what all instruments hold, in one batch: call it at the end of `collect`. Nothing is said twice of one millisecond, nor of
   * one before it.
   */
  emit(nowMs: number = this.ctx.clock.now()): void {
    const { rows, ctx } = this;
    for (const instrument of this.byName.values()) instrument.writePast?.(rows, nowMs);
    rows.emit(ctx, true);
    // A clock set back by more than a moment begins anew.
    if (nowMs <= this.newestMs && nowMs > this.newestMs - 1000) return;
    this.newestMs = nowMs;
    for (const instrument of this.byName.values()) instrument.write(rows, nowMs);
    rows.emit(ctx);
  }

  /** Emits at every multiple of the interval, for plugins without `collect`. */
  emitEvery(intervalMs: number): Disposable {
    return this.ctx.every(intervalMs, () => this.emit());
  }
}

const byContext = new WeakMap<PluginContext, Instruments>();

/** The instruments made of a context, the same object each time. */
export function instruments(ctx: PluginContext): Instruments {
  let found = byContext.get(ctx);
  if (!found) byContext.set(ctx, (found = new Instruments(ctx)));
  return found;
}
