/**
 * Adaptive binary range coder: 32-bit range with carry, probabilities of 16 bits that move by 1/(n + 1.6) towards what
 * was seen, n counted up to 60. Integers only, so every machine decodes the same. After the LZMA coder (I. Pavlov) and
 * the counting states of PAQ (M. Mahoney).
 */

/** A probability that nothing is known of: one half, seen 0 times. Packed as `p << 8 | n`. */
export const FRESH = 32768 << 8;
export const COUNT_MAX = 60;
/** Probabilities stay this far from 0 and 1 (of 65536) so that a surprise costs at most 11 bits. */
export const P_MIN = 32;
export const P_MAX = 65536 - P_MIN;
/** 2^24: below it the range takes in another byte. */
export const RANGE_MIN = 0x1000000;

/** RATES[n] = 2^14 / (n + 1.6). */
export const RATES = Int32Array.from({ length: COUNT_MAX + 1 }, (_, n) => Math.floor(16384 / (n + 1.6)));

/** The state after a zero was seen. */
export function afterZero(state: number): number {
  const n = state & 0xff;
  let p = state >> 8;
  p += ((65536 - p) * RATES[n]) >> 14;
  return ((p > P_MAX ? P_MAX : p) << 8) | (n < COUNT_MAX ? n + 1 : n);
}

/** The state after a one was seen. */
export function afterOne(state: number): number {
  const n = state & 0xff;
  let p = state >> 8;
  p -= (p * RATES[n]) >> 14;
  return ((p < P_MIN ? P_MIN : p) << 8) | (n < COUNT_MAX ? n + 1 : n);
}

export class RangeEncoder {
  private bytes = new Uint8Array(1024);
  private length = 0;
  private low = 0;
  private range = 0xffffffff;
  private cache = 0;
  private pending = 0;
  private started = false;

  /** Forgets everything, keeps the buffer. */
  reset(): void {
    this.length = 0;
    this.low = 0;
    this.range = 0xffffffff;
    this.cache = 0;
    this.pending = 0;
    this.started = false;
  }

  /** Codes `bit` by the probability `states[index]` and lets that learn. */
  bit(states: Int32Array, index: number, bit: number): void {
    const state = states[index];
    const bound = Math.imul(this.range >>> 16, state >> 8) >>> 0;
    if (bit === 0) {
      this.range = bound;
      states[index] = afterZero(state);
    } else {
      this.low += bound;
      this.range -= bound;
      states[index] = afterOne(state);
    }
    while (this.range < RANGE_MIN) {
      this.range = (this.range << 8) >>> 0;
      this.shiftLow();
    }
  }

  /** Codes `symbol` of `depth` bits, highest first, by the tree of probabilities at `base`. */
  tree(states: Int32Array, base: number, depth: number, symbol: number): void {
    let node = 1;
    for (let i = depth - 1; i >= 0; i--) {
      const bit = (symbol >>> i) & 1;
      this.bit(states, base + node, bit);
      node = (node << 1) | bit;
    }
  }

  /** Codes up to 16 bits as they are. */
  direct(value: number, bits: number): void {
    this.range >>>= bits;
    this.low += value * this.range;
    while (this.range < RANGE_MIN) {
      this.range = (this.range << 8) >>> 0;
      this.shiftLow();
    }
  }

  private shiftLow(): void {
    if (this.low < 0xff000000 || this.low > 0xffffffff) {
      const carry = this.low > 0xffffffff ? 1 : 0;
      if (this.started) this.put(this.cache + carry);
      for (; this.pending > 0; this.pending--) this.put(0xff + carry);
      this.cache = Math.floor(this.low / 0x1000000) & 0xff;
      this.started = true;
    } else this.pending++;
    this.low = (this.low % 0x1000000) * 0x100;
  }

  private put(byte: number): void {
    if (this.length === this.bytes.length) {
      const grown = new Uint8Array(this.length * 2);
      grown.set(this.bytes);
      this.bytes = grown;
    }
    this.bytes[this.length++] = byte;
  }

  /** Ends the stream: a copy of its bytes without the zeros at the end, which the decoder supplies. */
  finish(): Uint8Array {
    for (let bits = 32; bits >= 0; bits--) {
      const unit = 2 ** bits;
      const rounded = Math.ceil(this.low / unit) * unit;
      if (rounded < this.low + this.range) {
        this.low = rounded;
        break;
      }
    }
    for (let i = 0; i < 5; i++) this.shiftLow();
    let end = this.length;
    while (end > 0 && this.bytes[end - 1] === 0) end--;
    return this.bytes.slice(0, end);
  }
}
