import type { Batch } from "./series.ts";

/** Prometheus' staleness marker: "this series ended here". */
const STALE_HIGH = 0x7ff00000;
const STALE_LOW = 0x00000002;

/**
 * Looks at the bits of a value where it lies. A signalling NaN may lose its bits when it passes through a variable, so
 * the column's memory is read as words; the view is made once a buffer.
 */
export class NaNBits {
  private readonly views = new WeakMap<object, Uint32Array>();

  words(values: Float64Array): Uint32Array {
    let view = this.views.get(values);
    if (!view) {
      view = new Uint32Array(values.buffer, values.byteOffset, values.length * 2);
      this.views.set(values, view);
    }
    return view;
  }

  isStale(values: Float64Array, row: number): boolean {
    const words = this.words(values);
    return words[row * 2] === STALE_LOW && words[row * 2 + 1] === STALE_HIGH;
  }

  /** Moves a row of a batch, a NaN with its bits. */
  move(batch: Batch, from: number, to: number): void {
    const { series, timestamps, values } = batch;
    series[to] = series[from];
    timestamps[to] = timestamps[from];
    values[to] = values[from];
    if (!Number.isNaN(values[from])) return;
    const words = this.words(values);
    words[to * 2] = words[from * 2];
    words[to * 2 + 1] = words[from * 2 + 1];
  }
}
