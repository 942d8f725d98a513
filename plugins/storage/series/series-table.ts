import type { SeriesId, SeriesInfo } from "all-use-agent/sdk";
import type { IndexedSeries } from "./label-index.ts";
import { type CompiledMatcher, matches } from "./matcher.ts";
import { textKey } from "./series-key.ts";

const NONE = -1;

function grown<T extends Int32Array | Float64Array>(array: T, length: number, make: (length: number) => T): T {
  if (length <= array.length) return array;
  const larger = make(Math.max(length, array.length * 2));
  larger.set(array);
  return larger;
}

/**
 * The series of the head: the engine's own numbers for them, found by matchers, and each one's newest sealed sample.
 * Numbers are given back after a series has been silent (`release`), so that short-lived processes do not add up.
 */
export class SeriesTable {
  private readonly infos: (SeriesInfo | undefined)[] = [];
  /** Engine number of a runtime number. */
  private numbers = new Int32Array(1024).fill(NONE);
  private readonly series: (IndexedSeries | undefined)[] = [];
  private readonly byKey = new Map<string, number>();
  private readonly free: number[] = [];
  private postings = new Map<string, Map<string, number[]>>();
  /** Newest sample that has left the head for a block: NaN when none is known. */
  lastTimes = new Float64Array(1024).fill(NaN);
  lastValues = new Float64Array(1024);

  get size(): number {
    return this.byKey.size;
  }

  numbersInUse(): Iterable<number> {
    return this.byKey.values();
  }

  define(id: SeriesId, info: SeriesInfo): void {
    this.infos[id] = info;
  }

  /** The engine's number for a runtime number, or -1 when it was never defined. */
  numberOf(id: SeriesId): number {
    const known = id < this.numbers.length ? this.numbers[id] : NONE;
    if (known !== NONE) return known;
    const info = this.infos[id];
    if (!info) return NONE;
    this.numbers = grown(this.numbers, id + 1, (length) => new Int32Array(length).fill(NONE));
    return (this.numbers[id] = this.intern({ name: info.name, labels: info.labels, type: info.type }));
  }

  /** The number of a series, new or known. */
  intern(one: IndexedSeries): number {
    const key = textKey(one.name, one.labels);
    const known = this.byKey.get(key);
    if (known !== undefined) return known;
    const number = this.free.pop() ?? this.series.length;
    this.series[number] = one;
    this.byKey.set(key, number);
    this.lastTimes = grown(this.lastTimes, number + 1, (length) => new Float64Array(length).fill(NaN));
    this.lastValues = grown(this.lastValues, number + 1, (length) => new Float64Array(length));
    this.lastTimes[number] = NaN;
    this.post(number, one);
    return number;
  }

  private post(number: number, one: IndexedSeries): void {
    this.postOne("__name__", one.name, number);
    for (const label of Object.keys(one.labels)) this.postOne(label, one.labels[label], number);
  }

  private postOne(label: string, value: string, number: number): void {
    let values = this.postings.get(label);
    if (!values) this.postings.set(label, (values = new Map<string, number[]>()));
    const list = values.get(value);
    if (list) list.push(number);
    else values.set(value, [number]);
  }

  /** Throws when the number is not in use. */
  get(number: number): IndexedSeries {
    const one = this.series[number];
    if (!one) throw new Error(`series number ${number} is not in use`);
    return one;
  }

  /** Numbers of the matching series. */
  find(matchers: readonly CompiledMatcher[]): number[] {
    let candidates: Iterable<number> | null = null;
    let fewest = Infinity;
    for (const matcher of matchers) {
      if (matcher.op !== "=" || matcher.value === "") continue;
      const list = this.postings.get(matcher.label)?.get(matcher.value);
      if (!list) return [];
      if (list.length < fewest) {
        fewest = list.length;
        candidates = list;
      }
    }
    const found: number[] = [];
    for (const number of candidates ?? this.byKey.values()) {
      const one = this.get(number);
      if (matches(matchers, one.name, one.labels)) found.push(number);
    }
    return found;
  }

  /** Forgets every series that `wanted` does not keep. Their numbers are given to others. Returns whether any went. */
  release(wanted: (number: number) => boolean): boolean {
    const gone = new Set<number>();
    for (const [key, number] of this.byKey) {
      if (wanted(number)) continue;
      gone.add(number);
      this.byKey.delete(key);
      this.series[number] = undefined;
      this.free.push(number);
    }
    if (gone.size === 0) return false;
    for (let id = 0; id < this.numbers.length; id++) if (gone.has(this.numbers[id])) this.numbers[id] = NONE;
    this.postings = new Map();
    for (const number of this.byKey.values()) this.post(number, this.get(number));
    return true;
  }
}
