import { afterOne, afterZero, FRESH, RANGE_MIN, RangeEncoder } from "./range-coder.ts";

/**
 * Doubles that are no scaled integers: XOR with the one before, byte by byte from the highest, each byte modelled by its
 * position and by whether the byte above it was zero.
 */
const TREE = 256;
const states = new Int32Array(8 * 2 * TREE);
const encoder = new RangeEncoder();

/** `bits` holds each double as two words, the lower first. */
export function encodeRaw(bits: Uint32Array, count: number): Uint8Array {
  states.fill(FRESH);
  encoder.reset();
  let lastLow = 0;
  let lastHigh = 0;
  for (let i = 0; i < count; i++) {
    const low = bits[2 * i] ^ lastLow;
    const high = bits[2 * i + 1] ^ lastHigh;
    lastLow = bits[2 * i];
    lastHigh = bits[2 * i + 1];
    let above = 0;
    for (let b = 7; b >= 0; b--) {
      const byte = ((b > 3 ? high : low) >>> ((b & 3) * 8)) & 0xff;
      encoder.tree(states, (b * 2 + above) * TREE, 8, byte);
      above = byte === 0 ? 0 : 1;
    }
  }
  return encoder.finish();
}

/** Fills `out` with `count` doubles as word pairs. Damaged bytes give wrong values, never an exception. */
export function decodeRaw(bytes: Uint8Array, start: number, end: number, count: number, out: Uint32Array): void {
  states.fill(FRESH);
  let at = start;
  let code = 0;
  for (let i = 0; i < 4; i++) code = ((code << 8) | (at < end ? bytes[at++] : 0)) >>> 0;
  let range = 0xffffffff;
  let lastLow = 0;
  let lastHigh = 0;
  for (let i = 0; i < count; i++) {
    let above = 0;
    for (let b = 7; b >= 0; b--) {
      const base = (b * 2 + above) * TREE;
      let node = 1;
      while (node < TREE) {
        const state = states[base + node];
        const bound = Math.imul(range >>> 16, state >> 8) >>> 0;
        if (code < bound) {
          range = bound;
          states[base + node] = afterZero(state);
          node <<= 1;
        } else {
          code = (code - bound) >>> 0;
          range = (range - bound) >>> 0;
          states[base + node] = afterOne(state);
          node = (node << 1) | 1;
        }
        while (range < RANGE_MIN) {
          code = ((code << 8) | (at < end ? bytes[at++] : 0)) >>> 0;
          range = (range << 8) >>> 0;
        }
      }
      const byte = node - TREE;
      if (b > 3) lastHigh ^= byte << ((b & 3) * 8);
      else lastLow ^= byte << ((b & 3) * 8);
      above = byte === 0 ? 0 : 1;
    }
    out[2 * i] = lastLow;
    out[2 * i + 1] = lastHigh;
  }
}
