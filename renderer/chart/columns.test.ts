import { describe, expect, test } from "vitest";
import { Columns, gapAfterMs, keyOf, type LoadedSeries, type TickRow } from "./columns.ts";

const series = (part: LoadedSeries["part"], values: [number, number][], labels: Record<string, string> = {}): LoadedSeries => ({
  part,
  metric: { __name__: "m", panel: "p", ...labels },
  values: values.map(([seconds, value]) => [seconds, String(value)]),
});
const row = (timestampMs: number, value: number, labels: Record<string, string> = {}): TickRow => ({
  labels: { panel: "p", ...labels },
  timestampMs,
  value,
  low: 1,
  high: 9,
});
const times = (columns: Columns): number[] => [...columns.x.subarray(columns.start, columns.end)];
const values = (columns: Columns, index = 0): number[] => [...columns.columns[index].value.subarray(columns.start, columns.end)];

function loaded(stepMs = 1000): Columns {
  const columns = new Columns();
  columns.load(
    [
      series("value", [
        [10, 1],
        [11, 2],
        [12, 3],
      ]),
      series("low", [[10, 0]]),
      series("high", [[10, 5]]),
    ],
    8000,
    14_000,
    stepMs,
  );
  return columns;
}

describe("history", () => {
  test("stands on its grid without the empty ends", () => {
    const columns = loaded();
    expect(times(columns)).toEqual([10_000, 11_000, 12_000]);
    expect(values(columns)).toEqual([1, 2, 3]);
    expect(columns.columns[0].high[columns.start]).toBe(5);
  });

  test("keeps a row without a value inside, so that the line is torn there", () => {
    const columns = new Columns();
    columns.load(
      [
        series("value", [
          [10, 1],
          [12, 3],
        ]),
      ],
      10_000,
      12_000,
      1000,
    );
    expect(values(columns)).toEqual([1, NaN, 3]);
  });

  test("puts a line's labels in one order, whatever order they came in", () => {
    expect(keyOf({ a: "1", b: "2", panel: "x" })).toBe(keyOf({ b: "2", a: "1", __name__: "m" }));
  });

  test("leaves out a band without a line", () => {
    const columns = new Columns();
    columns.load(
      [series("low", [[10, 1]], { device: "gone" }), series("value", [[10, 1]], { device: "here" })],
      10_000,
      11_000,
      1000,
    );
    expect(columns.columns.map((column) => column.labels)).toEqual([{ device: "here" }]);
  });

  test("of nothing is empty", () => {
    const columns = new Columns();
    columns.load([], 0, 10_000, 1000);
    expect(columns.length).toBe(0);
    expect(columns.nearest(5)).toBe(-1);
  });
});

describe("ticks", () => {
  test("are added at the end", () => {
    const columns = loaded();
    columns.push([row(13_000, 4)]);
    expect(times(columns)).toEqual([10_000, 11_000, 12_000, 13_000]);
    expect(values(columns)).toEqual([1, 2, 3, 4]);
  });

  test("within one step replace each other, as the range query's grid does", () => {
    const columns = new Columns();
    columns.load([series("value", [[10, 1]])], 0, 10_000, 10_000);
    for (const second of [11, 12, 13]) columns.push([row(second * 1000, second)]);
    expect(times(columns)).toEqual([10_000, 13_000]);
    columns.push([row(20_500, 5)]);
    expect(times(columns)).toEqual([10_000, 13_000, 20_500]);
  });

  test("older than the newest are ignored", () => {
    const columns = loaded();
    columns.push([row(11_000, 99)]);
    expect(values(columns)).toEqual([1, 2, 3]);
  });

  test("after a pause do not join it", () => {
    const columns = loaded();
    columns.push([row(12_000 + gapAfterMs(1000) + 1, 7)]);
    expect(values(columns)).toEqual([1, 2, 3, NaN, 7]);
  });

  test("bring new lines, and lines that stay away are torn", () => {
    const columns = loaded();
    columns.push([row(13_000, 4, { device: "new" })]);
    expect(values(columns, 0)).toEqual([1, 2, 3, NaN]);
    expect(values(columns, 1)).toEqual([NaN, NaN, NaN, 4]);
  });

  test("of days need no more room than the window", () => {
    const columns = loaded();
    for (let second = 13; second < 20_000; second++) {
      columns.push([row(second * 1000, second)]);
      columns.trim((second - 300) * 1000);
    }
    expect(columns.length).toBeLessThan(310);
    expect(columns.x.length).toBeLessThan(2500);
    expect(values(columns).at(-1)).toBe(19_999);
    expect(times(columns).every((ms, i, all) => i === 0 || ms > all[i - 1])).toBe(true);
  });

  test("come before any history too", () => {
    const columns = new Columns();
    columns.push([row(1000, 1)]);
    columns.push([row(2000, 2)]);
    expect(values(columns)).toEqual([1, 2]);
  });
});

test("the nearest row is found on either side and beyond both ends", () => {
  const columns = loaded();
  expect([9000, 10_400, 10_600, 99_000].map((ms) => columns.x[columns.nearest(ms)])).toEqual([10_000, 10_000, 11_000, 12_000]);
});
