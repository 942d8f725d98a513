import type { PluginContext } from "../context.ts";
import { AgentError } from "../errors.ts";
import type { Labels, SeriesId } from "../series.ts";
import { type Child, Family, type FamilyOptions } from "./family.ts";
import { instruments } from "./instruments.ts";
import { RowWriter } from "./row-writer.ts";

const STATES_MAX = 64;

export interface StateOptions extends FamilyOptions {
  /** The names of all states, at most 64. */
  readonly states: readonly string[];
}

/**
 * One of several states, as an OpenMetrics StateSet: a series for each name, its label named as the metric, 1 for the state that it is in
 * and 0 for the others. A transition is emitted at once, so that its time is right whatever the interval.
 */
export class StateChild implements Child {
  private readonly ctx: PluginContext;
  private readonly name: string;
  private readonly states: readonly string[];
  private readonly ids: readonly SeriesId[];
  private readonly rows = new RowWriter();
  private newestMs = -Infinity;
  private current = -1;

  constructor(ctx: PluginContext, name: string, states: readonly string[], ids: readonly SeriesId[]) {
    this.ctx = ctx;
    this.name = name;
    this.states = states;
    this.ids = ids;
  }

  /** null before it was first set. */
  get state(): string | null {
    return this.current < 0 ? null : this.states[this.current];
  }

  /** Throws `metric_invalid` for a state that there is not. */
  set(state: string): void {
    const next = this.states.indexOf(state);
    if (next < 0)
      throw new AgentError(
        "metric_invalid",
        `${this.name} knows no state ${JSON.stringify(state)}: it has ${this.states.join(", ")}`,
      );
    if (next === this.current) return;
    this.current = next;
    // Two transitions within a millisecond are a millisecond apart: the first would not be kept otherwise.
    const nowMs = this.ctx.clock.now();
    this.say(this.rows, nowMs <= this.newestMs && nowMs > this.newestMs - 1000 ? this.newestMs + 1 : nowMs);
    this.rows.emit(this.ctx);
  }

  write(rows: RowWriter, nowMs: number): void {
    if (this.current >= 0 && (nowMs > this.newestMs || nowMs <= this.newestMs - 1000)) this.say(rows, nowMs);
  }

  private say(rows: RowWriter, timestampMs: number): void {
    this.newestMs = timestampMs;
    for (let i = 0; i < this.ids.length; i++) rows.add(this.ids[i], timestampMs, i === this.current ? 1 : 0);
  }
}

export class StateSet extends Family<StateChild> {
  private readonly states: readonly string[];

  constructor(ctx: PluginContext, name: string, options: StateOptions) {
    super(ctx, name, options);
    this.states = [...new Set(options.states)];
    if (name.includes(":")) throw new AgentError("metric_invalid", `${name} cannot name a label, which a state's metric does`);
    if (this.states.length === 0 || this.states.length > STATES_MAX)
      throw new AgentError("metric_invalid", `${name} needs 1 to ${STATES_MAX} states, not ${this.states.length}`);
  }

  set(state: string, labels?: Labels): void {
    this.child(labels).set(state);
  }

  protected bind(labels: Labels): StateChild {
    const { ctx, name, states } = this;
    if (Object.hasOwn(labels, name)) throw new AgentError("label_invalid", `${name} is a state: its label ${name} says which`);
    const ids = states.map((state) => ctx.series(name, { ...labels, [name]: state }));
    return new StateChild(ctx, name, states, ids);
  }
}

/** A state that the manifest declares under `name`. Throws `metric_invalid`. */
export function state(ctx: PluginContext, name: string, options: StateOptions): StateSet {
  return instruments(ctx).add(new StateSet(ctx, name, options));
}
