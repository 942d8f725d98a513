import { expect, test } from "vitest";
import { resultJson, resultJsonParts, timestampText } from "./json.ts";

const notes = { warnings: [], infos: [] };

test("a matrix is written as Prometheus writes it", () => {
  const text = resultJson({
    ...notes,
    type: "matrix",
    series: [
      {
        labels: { __name__: "a", x: 'q"\n' },
        timestamps: Float64Array.of(1_000, 1_500, 2_007, -1_500),
        values: Float64Array.of(1, -0, 1e-7, NaN),
      },
      { labels: {}, timestamps: Float64Array.of(0), values: Float64Array.of(Infinity) },
    ],
  });
  expect(text).toBe(
    '{"resultType":"matrix","result":[{"metric":{"__name__":"a","x":"q\\"\\n"},"values":[[1,"1"],[1.500,"-0"],[2.007,"1e-07"],[-1.500,"NaN"]]},' +
      '{"metric":{},"values":[[0,"+Inf"]]}]}',
  );
  expect(() => void JSON.parse(text)).not.toThrow();
});

test("vectors, scalars and strings, empty ones too", () => {
  expect(resultJson({ ...notes, type: "vector", rows: [{ labels: { a: "b" }, timestampMs: 1_234, value: 2 }] })).toBe(
    '{"resultType":"vector","result":[{"metric":{"a":"b"},"value":[1.234,"2"]}]}',
  );
  expect(resultJson({ ...notes, type: "vector", rows: [] })).toBe('{"resultType":"vector","result":[]}');
  expect(resultJson({ ...notes, type: "matrix", series: [] })).toBe('{"resultType":"matrix","result":[]}');
  expect(resultJson({ ...notes, type: "scalar", timestampMs: 1_500, value: 1e21 })).toBe(
    '{"resultType":"scalar","result":[1.5,"1000000000000000000000"]}',
  );
  expect(resultJson({ ...notes, type: "string", timestampMs: 0, value: 'a"' })).toBe(
    '{"resultType":"string","result":[0,"a\\""]}',
  );
});

test("a long answer comes in parts that make up the whole", () => {
  const column = new Float64Array(10_000);
  const series = Array.from({ length: 12 }, (_, i) => ({ labels: { i: String(i) }, timestamps: column, values: column }));
  const parts = [...resultJsonParts({ ...notes, type: "matrix", series })];
  expect(parts).toHaveLength(3);
  expect(parts.join("")).toBe(resultJson({ ...notes, type: "matrix", series }));
});

test("timestamps have three decimals or none", () => {
  expect([0, 1_000, 1_001, 1_010, 1_100, -1, -2_000].map(timestampText)).toEqual([
    "0",
    "1",
    "1.001",
    "1.010",
    "1.100",
    "-0.001",
    "-2",
  ]);
});
