import * as fc from "fast-check";
import { expect, test } from "vitest";
import { encodeBlock, type SeriesColumn } from "./block-encode.ts";
import { decodeHeader, HEADER_BYTES, tableBytes } from "./block-format.ts";
import { BlockTables } from "./block-tables.ts";
import { ClockTable, decodeClock, encodeClock, timesOf } from "./clocks.ts";
import { compileMatchers } from "./matcher.ts";
import { textKey } from "./series-key.ts";
import { shown, START_MS } from "./testdata/support.ts";

const place = { level: 0, last: true, minSegment: 1, maxSegment: 3, windowStart: START_MS, windowEnd: START_MS + 7_200_000 };

function column(name: string, labels: Record<string, string>, timestamps: Float64Array, values: Float64Array): SeriesColumn {
  return { name, labels, type: "gauge", timestamps, values: () => values };
}

/** Everything in the block, as `shown` shows it. */
function contents(file: Uint8Array): Record<string, string[]> {
  const header = decodeHeader(file);
  const dataStart = HEADER_BYTES + tableBytes(header);
  const tables = new BlockTables(header, file.subarray(HEADER_BYTES, dataStart));
  const clock = (number: number): Float64Array => {
    const { start, head } = tables.directory.clocks[number];
    return tables.clock(number, file.subarray(dataStart + start, dataStart + start + head.length + head.missLength));
  };
  // From the last to the first: a model that is not reset between streams would show.
  const columns = Array.from({ length: header.series }, (_, i) => header.series - 1 - i).map((number) => {
    const { stream, from, to } = tables.place(number);
    const { start, length } = tables.directory.streams[stream];
    const values = tables.stream(stream, file.subarray(dataStart + start, dataStart + start + length), clock).subarray(from, to);
    const set = tables.directory.runSets[tables.directory.runSetOf[number]];
    const { name, labels } = tables.index.series(number);
    return { name, labels, timestamps: timesOf(clock(set.clock), set.runs), values };
  });
  return shown(columns);
}

const text = fc.oneof(fc.string({ maxLength: 6 }), fc.constantFrom("", "ä", "日本", 'a"b', "a\nb", "0", "10"));
const labels = fc.dictionary(fc.constantFrom("a", "b", "job", "__proto__", "pid"), text, { maxKeys: 3 });
const series = fc.record({
  name: fc.constantFrom("up", "node_cpu_seconds_total", "x"),
  labels,
  steps: fc.array(fc.oneof(fc.constant(1000), fc.integer({ min: 1, max: 100_000 })), { minLength: 1, maxLength: 60 }),
  value: fc.oneof(fc.constant(null), fc.double(), fc.integer({ min: -1000, max: 1000 })),
});

test("any set of series comes back bit for bit, whatever clocks they have", () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(series, {
        minLength: 1,
        maxLength: 20,
        selector: (one) => JSON.stringify([one.name, Object.keys(one.labels).length, textKey(one.name, one.labels)]),
      }),
      (list) => {
        const columns = list.map((one, s) => {
          const timestamps = new Float64Array(one.steps.length);
          let time = START_MS + (s % 3) * 250;
          for (let i = 0; i < timestamps.length; i++) timestamps[i] = time += one.steps[i];
          const values = timestamps.map((_, i) => one.value ?? Math.sin(i + s) * 10 ** (s % 5));
          return column(one.name, one.labels, timestamps, values);
        });
        expect(contents(encodeBlock(columns, place, false))).toEqual(
          shown(columns.map((one) => ({ ...one, values: one.values() }))),
        );
      },
    ),
    { numRuns: 60 },
  );
});

test("clocks come back exactly, steady, jittering or irregular", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: -(2 ** 49), max: 2 ** 48 }),
      fc.array(fc.oneof(fc.constant(1000), fc.integer({ min: 990, max: 1010 }), fc.integer({ min: 1, max: 1e9 })), {
        maxLength: 100,
      }),
      (first, steps) => {
        const times = Float64Array.from([first, ...steps]);
        for (let i = 1; i < times.length; i++) times[i] += times[i - 1];
        const encoded = encodeClock(times);
        expect(decodeClock(encoded, encoded.bytes, 0)).toEqual(times);
      },
    ),
  );
});

test("a series that lived for a while shares the clock of those that lived throughout", () => {
  const table = new ClockTable();
  const clock = Float64Array.from({ length: 1000 }, (_, i) => START_MS + i * 1000);
  table.add(clock);
  expect(table.runSets[table.add(clock.slice(100, 200))]).toEqual({ clock: 0, runs: [100, 100] });
  expect(table.runSets[table.add(Float64Array.from([...clock.slice(5, 8), ...clock.slice(20, 30)]))]).toEqual({
    clock: 0,
    runs: [5, 3, 20, 10],
  });
  table.add(clock.map((time) => time + 1));
  expect(table.clocks).toHaveLength(2);
});

test("the index finds columns by all four operators, absent labels counting as empty", () => {
  const times = Float64Array.of(START_MS);
  const make = (name: string, labels: Record<string, string>): SeriesColumn => column(name, labels, times, Float64Array.of(1));
  const file = encodeBlock(
    [make("a", {}), make("a", { x: "1" }), make("a", { x: "12" }), make("b", { x: "1", y: "z" })],
    place,
    false,
  );
  const header = decodeHeader(file);
  const { index } = new BlockTables(header, file.subarray(HEADER_BYTES, HEADER_BYTES + tableBytes(header)));
  const found = (...matchers: Parameters<typeof compileMatchers>[0]): string[] =>
    index.find(compileMatchers(matchers)).map((number) => index.series(number).name + (index.series(number).labels.x ?? ""));
  expect(found({ label: "x", op: "=", value: "" })).toEqual(["a"]);
  expect(found({ label: "x", op: "!=", value: "" })).toEqual(["a1", "a12", "b1"]);
  expect(found({ label: "x", op: "=~", value: "1" })).toEqual(["a1", "b1"]);
  expect(found({ label: "x", op: "=~", value: "|1.*" }, { label: "__name__", op: "=", value: "a" })).toEqual(["a", "a1", "a12"]);
  expect(found({ label: "x", op: "!~", value: "1|" })).toEqual(["a12"]);
  expect(found({ label: "y", op: "=", value: "z" }, { label: "nowhere", op: "!=", value: "q" })).toEqual(["b1"]);
});
