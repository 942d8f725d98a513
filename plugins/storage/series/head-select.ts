import type { Entry, HeadPart, SeriesList } from "./head-part.ts";
import { type Samples, wordsOf } from "./samples.ts";

const ABSENT = -1;

/** Series numbers → position in a request, and each tick list's positions of the requested series. */
class Positions {
  private readonly numbers: readonly number[];
  private readonly rowsOf = new Map<SeriesList, Int32Array>();
  private readonly dense: Int32Array;

  constructor(numbers: readonly number[]) {
    this.numbers = numbers;
    let most = 0;
    for (const number of numbers) if (number > most) most = number;
    this.dense = new Int32Array(most + 1).fill(ABSENT);
    for (let s = 0; s < numbers.length; s++) this.dense[numbers[s]] = s;
  }

  slot(number: number): number {
    return number < this.dense.length ? this.dense[number] : ABSENT;
  }

  /** Row within the list's ticks for each slot; a series that stands twice in a list counts where it stands last. */
  rows(list: SeriesList): Int32Array {
    let rows = this.rowsOf.get(list);
    if (!rows) {
      rows = new Int32Array(this.numbers.length).fill(ABSENT);
      for (let row = 0; row < list.ids.length; row++) {
        const slot = this.slot(list.ids[row]);
        if (slot !== ABSENT) rows[slot] = row;
      }
      this.rowsOf.set(list, rows);
    }
    return rows;
  }
}

function overlaps(entry: Entry, fromMs: number, toMs: number): boolean {
  return entry.minTime <= toMs && entry.maxTime >= fromMs;
}

function eachLooseRow(
  entry: Entry,
  positions: Positions,
  fromMs: number,
  toMs: number,
  visit: (slot: number, row: number) => void,
): void {
  const ids = entry.arena.ids as Uint32Array;
  const times = entry.arena.timestamps as Float64Array;
  for (let row = entry.offset; row < entry.offset + entry.count; row++) {
    const slot = positions.slot(ids[row]);
    if (slot !== ABSENT && times[row] >= fromMs && times[row] <= toMs) visit(slot, row);
  }
}

/** Samples of each requested series in arrival order, which is usually ascending in time. Copies. */
export function gather(part: HeadPart, numbers: readonly number[], fromMs: number, toMs: number): Samples[] {
  const positions = new Positions(numbers);
  const counts = new Uint32Array(numbers.length);
  for (const entry of part.entries) {
    if (!overlaps(entry, fromMs, toMs)) continue;
    if (entry.list === null) eachLooseRow(entry, positions, fromMs, toMs, (slot) => counts[slot]++);
    else {
      const rows = positions.rows(entry.list);
      for (let s = 0; s < rows.length; s++) if (rows[s] !== ABSENT) counts[s]++;
    }
  }
  const found = Array.from(counts, (count) => ({ timestamps: new Float64Array(count), values: new Float64Array(count) }));
  const foundWords = found.map(({ values }) => wordsOf(values));
  counts.fill(0);
  for (const entry of part.entries) {
    if (!overlaps(entry, fromMs, toMs)) continue;
    const { words, timestamps } = entry.arena;
    if (entry.list === null) {
      eachLooseRow(entry, positions, fromMs, toMs, (slot, row) => {
        const at = counts[slot]++;
        found[slot].timestamps[at] = (timestamps as Float64Array)[row];
        foundWords[slot][2 * at] = words[2 * row];
        foundWords[slot][2 * at + 1] = words[2 * row + 1];
      });
      continue;
    }
    const rows = positions.rows(entry.list);
    for (let s = 0; s < rows.length; s++) {
      if (rows[s] === ABSENT) continue;
      const at = counts[s]++;
      found[s].timestamps[at] = entry.minTime;
      const row = 2 * (entry.offset + rows[s]);
      foundWords[s][2 * at] = words[row];
      foundWords[s][2 * at + 1] = words[row + 1];
    }
  }
  return found;
}

/**
 * Each requested series' newest sample in the range: its time into `times` (left alone where none is found or a newer one
 * is there already) and its value into `values`.
 */
export function gatherLast(
  part: HeadPart,
  numbers: readonly number[],
  fromMs: number,
  toMs: number,
  times: Float64Array,
  values: Float64Array,
): void {
  const positions = new Positions(numbers);
  let missing = numbers.length;
  const seen = new Uint8Array(numbers.length);
  const into = wordsOf(values);
  const take = (slot: number, time: number, words: Uint32Array, row: number): void => {
    if (seen[slot] === 0) {
      seen[slot] = 1;
      missing--;
    }
    // Walking backwards, of equal times the one met first was written last.
    if (times[slot] >= time) return;
    times[slot] = time;
    into[2 * slot] = words[2 * row];
    into[2 * slot + 1] = words[2 * row + 1];
  };
  const done = new Set<SeriesList>();
  for (let i = part.entries.length - 1; i >= 0; i--) {
    if (part.inOrder && missing === 0) break;
    const entry = part.entries[i];
    if (!overlaps(entry, fromMs, toMs)) {
      if (part.inOrder && entry.maxTime < fromMs) break;
      continue;
    }
    if (entry.list === null) {
      const ids = entry.arena.ids as Uint32Array;
      const rowTimes = entry.arena.timestamps as Float64Array;
      for (let row = entry.offset + entry.count - 1; row >= entry.offset; row--) {
        const slot = positions.slot(ids[row]);
        if (slot !== ABSENT && rowTimes[row] >= fromMs && rowTimes[row] <= toMs)
          take(slot, rowTimes[row], entry.arena.words, row);
      }
      continue;
    }
    // In order, an older tick of the same list has nothing that the newer one had not.
    if (part.inOrder && done.has(entry.list)) continue;
    done.add(entry.list);
    const rows = positions.rows(entry.list);
    for (let s = 0; s < rows.length; s++) {
      if (rows[s] !== ABSENT) take(s, entry.minTime, entry.arena.words, entry.offset + rows[s]);
    }
  }
}

/** Adds the numbers of all series that have a row in the range. */
export function collectPresent(part: HeadPart, fromMs: number, toMs: number, present: Set<number>): void {
  const lists = new Set<SeriesList>();
  for (const entry of part.entries) {
    if (!overlaps(entry, fromMs, toMs)) continue;
    if (entry.list !== null) lists.add(entry.list);
    else {
      const times = entry.arena.timestamps as Float64Array;
      for (let row = entry.offset; row < entry.offset + entry.count; row++) {
        if (times[row] >= fromMs && times[row] <= toMs) present.add((entry.arena.ids as Uint32Array)[row]);
      }
    }
  }
  for (const list of lists) for (const number of list.ids) present.add(number);
}
