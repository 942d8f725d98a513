import { type Labels, QuantileSketch } from "all-use-agent/sdk";
import type { StatsdLine } from "./line.ts";

/** A set counts at most this many different values an interval. */
const SET_MAX = 100_000;

/** What came under one name with one set of tags. */
export abstract class Entry {
  readonly name: string;
  readonly labels: Labels;
  /** When something came last, monotonic ms. */
  heardMs = 0;

  constructor(name: string, labels: Labels) {
    this.name = name;
    this.labels = labels;
  }

  abstract take(line: StatsdLine): void;
}

export class CounterEntry extends Entry {
  total = 0;

  take({ values, rate }: StatsdLine): void {
    for (const value of values) this.total += Math.max(0, Number(value)) / rate;
  }
}

export class GaugeEntry extends Entry {
  value = 0;

  take({ values }: StatsdLine): void {
    // A sign makes it a change of the value, as in Etsy's StatsD.
    for (const value of values)
      this.value = value.startsWith("+") || value.startsWith("-") ? this.value + Number(value) : Number(value);
  }
}

export class SetEntry extends Entry {
  readonly members = new Set<string>();

  take({ values }: StatsdLine): void {
    for (const value of values) if (this.members.size < SET_MAX) this.members.add(value);
  }
}

/** Count and sum go on; quantiles are of one interval. */
export class DistributionEntry extends Entry {
  count = 0;
  sum = 0;
  readonly sketch = new QuantileSketch();
  private readonly factor: number;

  /** What values are multiplied by: 0.001 makes seconds of a timer's milliseconds. */
  constructor(name: string, labels: Labels, factor: number) {
    super(name, labels);
    this.factor = factor;
  }

  take({ values, rate }: StatsdLine): void {
    const weight = 1 / rate;
    for (const text of values) {
      const value = Number(text) * this.factor;
      this.count += weight;
      this.sum += value * weight;
      this.sketch.add(value, weight);
    }
  }
}
