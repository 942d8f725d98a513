import type { PluginContext, SeriesId } from "all-use-agent/sdk";
import type { Windows } from "./windows.ts";

/** Heads of a series that was not seen yet, and of one that no rule selects. */
const UNKNOWN = 0;
const NOBODY = -1;
/** Series that found no place, to be asked about again when there is one. */
const REFUSED_MAX = 10_000;

/** The rules that a series goes to, and by which numbers they know it. */
export interface Route {
  readonly windows: readonly Windows[];
  readonly targets: readonly number[];
  /** It is not stored itself. */
  readonly drop: boolean;
}

/** Which series goes where, found out once a series. 4 bytes a series that no rule selects. */
export class Routes {
  /** By series: UNKNOWN, NOBODY, or one more than the route's number. */
  heads: Int32Array = new Int32Array(1024);
  readonly routes: (Route | null)[] = [];
  private readonly ctx: PluginContext;
  private readonly all: readonly Windows[];
  private readonly free: number[] = [];
  private readonly refused = new Set<SeriesId>();

  constructor(ctx: PluginContext, all: readonly Windows[]) {
    this.ctx = ctx;
    this.all = all;
  }

  grow(id: SeriesId): void {
    const larger = new Int32Array(Math.max(id + 1, this.heads.length * 2));
    larger.set(this.heads);
    this.heads = larger;
  }

  /** Results of rules go to no rule. */
  exclude(id: SeriesId): void {
    this.forget(id);
    this.heads[id] = NOBODY;
  }

  /** Finds out where a series goes. Returns its head. */
  find(id: SeriesId): number {
    const { name, labels } = this.ctx.seriesInfo(id);
    const windows: Windows[] = [];
    const targets: number[] = [];
    let selected = false;
    let drop = false;
    for (const one of this.all) {
      if (!one.rule.selects({ name, labels })) continue;
      selected = true;
      drop ||= one.rule.dropInput;
      const target = one.targetOf(id);
      if (target >= 0) {
        windows.push(one);
        targets.push(target);
      } else {
        one.refused++;
        if (this.refused.size < REFUSED_MAX) this.refused.add(id);
      }
    }
    // What is refused is not dropped: its input is all that there is of it.
    if (selected && windows.length === 0) drop = false;
    if (windows.length === 0) return (this.heads[id] = NOBODY);
    const place = this.free.pop() ?? this.routes.length;
    this.routes[place] = { windows, targets, drop };
    return (this.heads[id] = place + 1);
  }

  /** A series is looked up anew at its next sample. */
  forget(id: SeriesId): void {
    if (id >= this.heads.length) this.grow(id);
    const head = this.heads[id];
    if (head > 0) {
      this.routes[head - 1] = null;
      this.free.push(head - 1);
    }
    this.heads[id] = UNKNOWN;
  }

  /** There is room again: what was refused may try once more. */
  retryRefused(): void {
    for (const id of this.refused) this.forget(id);
    this.refused.clear();
  }
}
