import { readFile } from "node:fs/promises";
import type { ByteReader } from "./bytes.ts";
import { type ArenaPool, HeadPart, type SeriesList } from "./head-part.ts";
import type { IndexedSeries } from "./label-index.ts";
import { decodeLogHeader, eachRecord, readDoubles, readNumbers, readRuns, readSeries, RECORD } from "./record.ts";

export interface Replayed {
  readonly part: HeadPart;
  /** Stretches of bytes that are no intact record: a torn end, or damage. */
  readonly damaged: number;
  readonly lostBytes: number;
  /** Records whose series or list were lost. */
  readonly orphans: number;
}

/**
 * Reads a log segment back. `intern` gives a series its number in memory. Numbers in the file mean something only within
 * it, and definitions may stand behind their first use when the first copy was damaged: hence they are read first.
 */
export async function replaySegment(
  path: string,
  segment: number,
  intern: (one: IndexedSeries) => number,
  arenas?: ArenaPool,
): Promise<Replayed> {
  const bytes = await readFile(path);
  const part = new HeadPart(segment, arenas);
  const header = decodeLogHeader(bytes);
  if (header === null) return { part, damaged: bytes.length > 0 ? 1 : 0, lostBytes: bytes.length, orphans: 0 };
  const numbers = new Map<number, number>();
  const rawLists = new Map<number, Uint32Array>();
  const data: { type: number; body: ByteReader }[] = [];
  const { damaged, lostBytes } = eachRecord(bytes, header.salt, (type, body) => {
    if (type === RECORD.series) {
      const { number, series } = readSeries(body);
      if (!numbers.has(number)) numbers.set(number, intern(series));
    } else if (type === RECORD.list) rawLists.set(body.varint(), readRuns(body));
    else if (type === RECORD.tick || type === RECORD.rows) data.push({ type, body });
  });
  const lists = new Map<number, SeriesList>();
  for (const [number, raw] of rawLists) {
    const ids = mapped(raw, numbers);
    if (ids !== null) lists.set(number, { ids });
  }
  let orphans = 0;
  for (const { type, body } of data) {
    if (type === RECORD.tick) {
      const list = lists.get(body.varint());
      if (list) part.appendTick(list, body.f64(), readDoubles(body, list.ids.length));
      else orphans++;
      continue;
    }
    const ids = mapped(readNumbers(body), numbers);
    if (ids === null) {
      orphans++;
      continue;
    }
    const timestamps = new Float64Array(ids.length);
    let time = body.f64();
    for (let i = 0; i < timestamps.length; i++) timestamps[i] = time += body.zigzag();
    part.appendRows(ids, timestamps, readDoubles(body, ids.length), ids.length);
  }
  return { part, damaged, lostBytes, orphans };
}

function mapped(raw: Uint32Array, numbers: ReadonlyMap<number, number>): Uint32Array | null {
  const ids = new Uint32Array(raw.length);
  for (let i = 0; i < raw.length; i++) {
    const number = numbers.get(raw[i]);
    if (number === undefined) return null;
    ids[i] = number;
  }
  return ids;
}
