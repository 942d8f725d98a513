import { computed } from "@preact/signals";
import { address, setParams } from "./router.ts";

/** The time that every chart of the page shows: the newest stretch, moving, or a stretch that stands still. */
export type Range =
  | { readonly kind: "last"; readonly spanMs: number }
  | { readonly kind: "between"; readonly fromMs: number; readonly toMs: number };

const MINUTE_MS = 60_000;

/** What can be chosen, by the word in the address. */
export const SPANS: Readonly<Record<string, number>> = {
  "5m": 5 * MINUTE_MS,
  "15m": 15 * MINUTE_MS,
  "1h": 60 * MINUTE_MS,
  "6h": 360 * MINUTE_MS,
  "24h": 1440 * MINUTE_MS,
  "7d": 10_080 * MINUTE_MS,
};

const DEFAULT_SPAN = "15m";

/** Nothing is to be seen in less than this, and an axis could not be labelled. */
const MIN_SPAN_MS = 5000;

/** How far a live chart looks ahead: about a third of what it looks back, in round times. */
export function aheadMs(spanMs: number): number {
  const third = spanMs / 3;
  const unit = [24 * 60 * MINUTE_MS, 60 * MINUTE_MS, MINUTE_MS].find((one) => third >= 1.5 * one) ?? MINUTE_MS;
  return Math.max(1, Math.round(third / unit)) * unit;
}

export function parseRange(params: Readonly<Record<string, string>>): Range {
  const fromMs = Number(params.from);
  const toMs = Number(params.to);
  if (params.from && params.to && Number.isSafeInteger(fromMs) && Number.isSafeInteger(toMs) && toMs - fromMs >= MIN_SPAN_MS) {
    return { kind: "between", fromMs, toMs };
  }
  return { kind: "last", spanMs: SPANS[params.last ?? ""] ?? SPANS[DEFAULT_SPAN] };
}

/** The stretch on the axis, the part ahead of now included. */
export function windowOf(range: Range, nowMs: number): { readonly fromMs: number; readonly toMs: number } {
  if (range.kind === "between") return range;
  return { fromMs: nowMs - range.spanMs, toMs: nowMs + aheadMs(range.spanMs) };
}

/** A stretch moved by `byMs` of its own length or more: what panning and zooming make of a window. */
export function between(fromMs: number, toMs: number): Range {
  const middle = (fromMs + toMs) / 2;
  const half = Math.max(MIN_SPAN_MS, toMs - fromMs) / 2;
  return { kind: "between", fromMs: Math.round(middle - half), toMs: Math.round(middle + half) };
}

export const range = computed<Range>(() => parseRange(address.value.params));
export const live = computed(() => range.value.kind === "last");

/** Stretches left by zooming, to go back to; bounded, the oldest is forgotten. */
const BACK_LIMIT = 20;
const left: Range[] = [];

export function setRange(next: Range): void {
  if (left.push(range.value) > BACK_LIMIT) left.shift();
  write(next);
}

/** To where the last zoom came from; to live when there is none. */
export function back(): void {
  const previous = left.pop();
  if (previous) write(previous);
  else resume();
}

/** Moves what is shown without leaving a step behind for each pixel. */
export function pan(byMs: number, nowMs: number): void {
  const { fromMs, toMs } = windowOf(range.value, nowMs);
  if (range.value.kind === "last") setRange(between(fromMs + byMs, toMs + byMs));
  else write(between(fromMs + byMs, toMs + byMs), true);
}

function write(next: Range, replace = false): void {
  if (next.kind === "between") return setParams({ last: null, from: String(next.fromMs), to: String(next.toMs) }, replace);
  const word = Object.keys(SPANS).find((name) => SPANS[name] === next.spanMs) ?? DEFAULT_SPAN;
  setParams({ last: word, from: null, to: null });
}

/** Live with the span last chosen. */
export function resume(): void {
  const lastLive = left.findLast((one) => one.kind === "last");
  left.length = 0;
  write(lastLive ?? { kind: "last", spanMs: SPANS[DEFAULT_SPAN] });
}

/** Stands still at what is shown, or goes on. */
export function toggleLive(nowMs: number): void {
  if (range.value.kind === "between") return resume();
  const { fromMs, toMs } = windowOf(range.value, nowMs);
  setRange(between(fromMs, toMs));
}
