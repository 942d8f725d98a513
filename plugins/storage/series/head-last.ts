import type { HeadPart, SeriesList } from "./head-part.ts";
import { gatherLast } from "./head-select.ts";
import type { SeriesTable } from "./series-table.ts";

/** Adds the numbers of all series with a row in the part. */
export function numbersIn(part: HeadPart, into: Set<number>): void {
  const lists = new Set<SeriesList>();
  for (const { list, arena, offset, count } of part.entries) {
    if (list !== null) lists.add(list);
    else for (let row = offset; row < offset + count; row++) into.add((arena.ids as Uint32Array)[row]);
  }
  for (const list of lists) for (const number of list.ids) into.add(number);
}

/** Keeps each series' newest sample of a part that leaves the head. Parts in the order they were written. */
export function foldLast(part: HeadPart, table: SeriesTable): void {
  const present = new Set<number>();
  numbersIn(part, present);
  const numbers = [...present];
  const times = new Float64Array(numbers.length).fill(NaN);
  const values = new Float64Array(numbers.length);
  gatherLast(part, numbers, -Infinity, Infinity, times, values);
  for (let i = 0; i < numbers.length; i++) {
    if (table.lastTimes[numbers[i]] > times[i]) continue;
    table.lastTimes[numbers[i]] = times[i];
    table.lastValues.set(values.subarray(i, i + 1), numbers[i]);
  }
}

/** Series without a row in the parts whose newest sealed sample is older than `beforeMs`, or unknown. */
export function idleNumbers(table: SeriesTable, parts: readonly HeadPart[], beforeMs: number): Set<number> {
  const live = new Set<number>();
  for (const part of parts) numbersIn(part, live);
  const idle = new Set<number>();
  for (const number of table.numbersInUse()) if (!live.has(number) && !(table.lastTimes[number] >= beforeMs)) idle.add(number);
  return idle;
}
