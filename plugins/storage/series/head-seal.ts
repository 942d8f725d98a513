import type { Arena, HeadPart, SeriesList } from "./head-part.ts";
import { gatherLast } from "./head-select.ts";
import type { IndexedSeries } from "./label-index.ts";
import type { PartSnapshot } from "./seal-job.ts";
import type { SeriesTable } from "./series-table.ts";

/** Numbers of all series with a row in the part. */
function numbersIn(part: HeadPart, into: Set<number>): void {
  const lists = new Set<SeriesList>();
  for (const { list, arena, offset, count } of part.entries) {
    if (list !== null) lists.add(list);
    else for (let row = offset; row < offset + count; row++) into.add((arena.ids as Uint32Array)[row]);
  }
  for (const list of lists) for (const number of list.ids) into.add(number);
}

/** Parts as a worker can take them: rows stay where they are, in shared memory. */
export function snapshot(parts: readonly HeadPart[], table: SeriesTable): { parts: PartSnapshot[]; series: Map<number, IndexedSeries> } {
  const numbers = new Set<number>();
  const snapshots = parts.map((part) => {
    numbersIn(part, numbers);
    const { entries } = part;
    const lists = new Map<SeriesList, number>();
    const arenas = new Map<Arena, number>();
    const one = {
      list: new Int32Array(entries.length),
      arena: new Int32Array(entries.length),
      offset: new Uint32Array(entries.length),
      count: new Uint32Array(entries.length),
      time: new Float64Array(entries.length),
    };
    for (let e = 0; e < entries.length; e++) {
      const entry = entries[e];
      if (!arenas.has(entry.arena)) arenas.set(entry.arena, arenas.size);
      if (entry.list !== null && !lists.has(entry.list)) lists.set(entry.list, lists.size);
      one.list[e] = entry.list === null ? -1 : (lists.get(entry.list) as number);
      one.arena[e] = arenas.get(entry.arena) as number;
      one.offset[e] = entry.offset;
      one.count[e] = entry.count;
      one.time[e] = entry.minTime;
    }
    return {
      ...one,
      lists: [...lists.keys()].map((list) => list.ids),
      arenas: [...arenas.keys()].map(({ words, ids, timestamps }) => ({ words, ids, timestamps })),
    };
  });
  return { parts: snapshots, series: new Map([...numbers].map((number) => [number, table.get(number)])) };
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
