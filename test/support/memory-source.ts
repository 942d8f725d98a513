import type { Labels, Matcher, SelectRequest, SeriesData } from "all-use-agent/sdk";
import { compileRegex } from "all-use-agent/sdk";
import type { QuerySource } from "../../main/query/index.ts";

export interface MemorySeries {
  readonly name: string;
  readonly labels: Labels;
  readonly timestamps: Float64Array;
  readonly values: Float64Array;
}

export function matchesAll(matchers: readonly Matcher[], name: string, labels: Labels): boolean {
  return matchers.every(({ label, op, value }) => {
    const found = label === "__name__" ? name : (labels[label] ?? "");
    switch (op) {
      case "=":
        return found === value;
      case "!=":
        return found !== value;
      case "=~":
        return compileRegex(value).test(found);
      default:
        return !compileRegex(value).test(found);
    }
  });
}

/** A source for the query engine that holds whole columns in memory and answers as a series store does. */
export class MemorySource implements QuerySource {
  readonly series: MemorySeries[] = [];
  readonly requests: SelectRequest[] = [];

  add(
    name: string,
    labels: Labels,
    timestamps: readonly number[] | Float64Array,
    values: readonly number[] | Float64Array,
  ): void {
    this.series.push({ name, labels, timestamps: Float64Array.from(timestamps), values: copy(values) });
  }

  select(request: SelectRequest): Promise<SeriesData[]> {
    this.requests.push(request);
    const found: SeriesData[] = [];
    for (const { name, labels, timestamps, values } of this.series) {
      if (!matchesAll(request.matchers, name, labels)) continue;
      let lo = 0;
      let hi = timestamps.length;
      while (hi > 0 && timestamps[hi - 1] > request.toMs) hi--;
      while (lo < hi && timestamps[lo] < request.fromMs) lo++;
      if (request.lastOnly === true) lo = Math.max(lo, hi - 1);
      if (hi > lo) found.push({ name, labels, timestamps: timestamps.slice(lo, hi), values: values.slice(lo, hi) });
    }
    return Promise.resolve(found);
  }
}

/** Bit by bit: an array of numbers may carry the staleness marker. */
function copy(values: readonly number[] | Float64Array): Float64Array {
  return values instanceof Float64Array ? values.slice() : Float64Array.from(values);
}
