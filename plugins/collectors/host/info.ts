import type { Labels, SeriesId } from "all-use-agent/sdk";
import type { Columns } from "./columns.ts";
import type { Facts } from "./group.ts";

/** A series of value 1 whose labels are what it tells; made anew when they change. */
export class Info {
  private readonly facts: Facts;
  private readonly metric: string;
  private source: string | null = null;
  private id: SeriesId = 0;

  constructor(facts: Facts, metric: string) {
    this.facts = facts;
    this.metric = metric;
  }

  give(out: Columns, labels: Labels): void {
    const source = JSON.stringify(labels);
    if (source !== this.source) {
      this.id = this.facts.series(this.metric, labels);
      this.source = source;
    }
    out.push(this.id, 1);
  }
}
