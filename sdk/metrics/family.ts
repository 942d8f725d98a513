import type { PluginContext } from "../context.ts";
import { AgentError } from "../errors.ts";
import { type Labels, seriesKey } from "../series.ts";
import type { RowWriter } from "./row-writer.ts";

const CHILDREN_MAX = 200;
/** The value of every label of the child that takes what the limit leaves no place for. */
const OTHER = "other";

export interface FamilyOptions {
  /** Label sets that may be bound; 200 when absent. What goes beyond is counted together, every label `other`. */
  readonly maxChildren?: number;
}

/** One label set of an instrument. */
export interface Child {
  /** Writes its rows as they are now. */
  write(rows: RowWriter, nowMs: number): void;
}

/** One metric: its children by their labels, bounded. Bind once with `labels()`, and observe through what it returns. */
export abstract class Family<C extends Child> {
  readonly name: string;
  protected readonly ctx: PluginContext;
  private readonly maxChildren: number;
  private readonly children = new Map<string, C>();
  private other: C | null = null;
  private plain: C | null = null;
  /** Label sets that were bound beyond the limit, each time that it was asked for. */
  overflowed = 0;

  constructor(ctx: PluginContext, name: string, { maxChildren = CHILDREN_MAX }: FamilyOptions) {
    if (!Number.isInteger(maxChildren) || maxChildren < 1)
      throw new AgentError("metric_invalid", `${name} may have 1 or more children, not ${maxChildren}`);
    this.ctx = ctx;
    this.name = name;
    this.maxChildren = maxChildren;
  }

  /** The child of a label set, the same one each time. Throws what `ctx.series` throws. */
  labels(labels: Labels): C {
    const key = seriesKey("", labels);
    const known = this.children.get(key);
    if (known !== undefined) return known;
    if (this.children.size < this.maxChildren) {
      const child = this.bind(Object.freeze({ ...labels }));
      this.children.set(key, child);
      return child;
    }
    if (this.overflowed++ === 0)
      this.ctx.log.warn(`${this.name} has ${this.maxChildren} label sets: what comes with others is counted under "${OTHER}"`);
    this.other ??= this.bind(Object.fromEntries(Object.keys(labels).map((name) => [name, OTHER])));
    return this.other;
  }

  write(rows: RowWriter, nowMs: number): void {
    for (const child of this.children.values()) child.write(rows, nowMs);
    this.other?.write(rows, nowMs);
  }

  /** The child without labels, or that of the given ones, which costs a look-up: on a hot path keep the child. */
  protected child(labels: Labels | undefined): C {
    return labels === undefined ? (this.plain ??= this.labels({})) : this.labels(labels);
  }

  protected abstract bind(labels: Labels): C;
}
