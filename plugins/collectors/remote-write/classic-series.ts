import type { SeriesId } from "all-use-agent/sdk";
import type { Identity } from "./identity.ts";
import type { ClassicHistogram } from "./native-histogram.ts";
import type { SeriesBook } from "./series-book.ts";
import type { TickSink } from "./tick-sink.ts";

const STALE_LOW = 2;
const STALE_HIGH = 0x7ff00000;

/** The classic series that one native histogram is kept as: `_bucket` by `le`, `_sum`, `_count`. */
export class ClassicSeries {
  private readonly identity: Identity;
  private readonly help: string;
  private readonly book: SeriesBook;
  /** By suffix and `le`. */
  private readonly ids = new Map<string, SeriesId>();
  private readonly number = new Float64Array(1);
  private readonly words = new Uint32Array(this.number.buffer);

  constructor(identity: Identity, help: string, book: SeriesBook) {
    this.identity = identity;
    this.help = help;
    this.book = book;
  }

  /** Throws `series_limit`; what went before into the sink stays there. */
  add(sink: TickSink, { timeMs, stale, sum, count, bounds, cumulative }: ClassicHistogram): void {
    sink.nextSeries();
    if (stale) {
      for (const id of this.ids.values()) sink.addWords(id, timeMs, STALE_LOW, STALE_HIGH);
      return;
    }
    for (let i = 0; i < bounds.length; i++) this.put(sink, "_bucket", String(bounds[i]), timeMs, cumulative[i]);
    this.put(sink, "_bucket", "+Inf", timeMs, count);
    this.put(sink, "_sum", null, timeMs, sum);
    this.put(sink, "_count", null, timeMs, count);
  }

  private put(sink: TickSink, suffix: string, le: string | null, timeMs: number, value: number): void {
    const key = le === null ? suffix : le;
    let id = this.ids.get(key);
    if (id === undefined) {
      const { name, labels } = this.identity;
      const identity = { name: `${name}${suffix}`, labels: le === null ? labels : { ...labels, le } };
      id = this.book.register(identity, { type: "histogram", help: this.help });
      this.ids.set(key, id);
    }
    this.number[0] = value;
    sink.addWords(id, timeMs, this.words[0], this.words[1]);
  }
}
