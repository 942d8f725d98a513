import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Labels, seriesKey } from "../series.ts";
import { ExpositionParser, JsonLinesParser, SERIES_IGNORED, SERIES_REFUSED, type TextReading, type TextSeries } from "./index.ts";

type Format = "openmetrics" | "prometheus";

/** A parser whose series are numbered as they come. */
function parserOf(format: Format, answer: (series: TextSeries) => number | null = () => null) {
  const series: TextSeries[] = [];
  const define = (one: TextSeries): number => answer(one) ?? series.push(one) - 1;
  return { series, define, parser: new ExpositionParser({ format, define }) };
}

function rows({ batch }: TextReading, series: readonly TextSeries[]): [string, number, number][] {
  return Array.from({ length: batch.length }, (_, i) => [
    seriesKey(series[batch.series[i]].name, series[batch.series[i]].labels),
    batch.values[i],
    batch.timestamps[i],
  ]);
}

function read(text: string, format: Format = "prometheus") {
  const { parser, series } = parserOf(format);
  parser.push(text);
  const reading = parser.end();
  return { reading, series, rows: rows(reading, series) };
}

describe("exposition text", () => {
  it("reads what the text format's documentation shows", () => {
    const { reading, rows, series } = read(`# HELP http_requests_total The total number of HTTP requests.
# TYPE http_requests_total counter
http_requests_total{method="post",code="200"} 1027 1395066363000
http_requests_total{method="post",code="400"}    3 1395066363000

# Escaping in label values:
msdos_file_access_time_seconds{path="C:\\\\DIR\\\\FILE.TXT",error="Cannot find file:\\n\\"FILE.TXT\\""} 1.458255915e9

# Minimalistic line:
metric_without_timestamp_and_labels 12.47

# A weird metric from before the epoch:
something_weird{problem="division by zero"} +Inf -3982045
rpc_duration_seconds{quantile="0.01",} 3102
spaced { a = "x" , b="y" }\t-0.5
`);
    expect(reading.faults).toEqual([]);
    expect(rows).toEqual([
      ['http_requests_total{code="200",method="post"}', 1027, 1395066363000],
      ['http_requests_total{code="400",method="post"}', 3, 1395066363000],
      [
        'msdos_file_access_time_seconds{error="Cannot find file:\\n\\"FILE.TXT\\"",path="C:\\\\DIR\\\\FILE.TXT"}',
        1458255915,
        NaN,
      ],
      ["metric_without_timestamp_and_labels", 12.47, NaN],
      ['something_weird{problem="division by zero"}', Infinity, -3982045],
      ['rpc_duration_seconds{quantile="0.01"}', 3102, NaN],
      ['spaced{a="x",b="y"}', -0.5, NaN],
    ]);
    expect(series[0].family).toEqual({
      name: "http_requests_total",
      help: "The total number of HTTP requests.",
      type: "counter",
    });
  });

  it("reads OpenMetrics: units, families, times in seconds, exemplars, its end", () => {
    const { reading, rows, series } = read(
      `# TYPE foo_seconds counter
# UNIT foo_seconds seconds
# HELP foo_seconds Line one\\nand \\\\ two.
foo_seconds_total 17.0 1520879607.789 # {trace_id="KOO5S4vxi0o"} 0.67 1520879607.789
foo_seconds_created 1520430000.123
# TYPE bar histogram
bar_bucket{le="+Inf"} 4 # {trace_id="x"} 0.67
# EOF
`,
      "openmetrics",
    );
    expect(reading).toMatchObject({ faults: [], whole: true });
    expect(rows).toEqual([
      ["foo_seconds_total", 17, 1520879607789],
      ["foo_seconds_created", 1520430000.123, NaN],
      ['bar_bucket{le="+Inf"}', 4, NaN],
    ]);
    expect(series[0].family).toEqual({ name: "foo_seconds", type: "counter", unit: "seconds", help: "Line one\nand \\ two." });
    expect(series[2].family?.type).toBe("histogram");
  });

  it.each([
    ["a 1\nb{x=1} 2\nc 3", 2, 5, /double quotes/],
    ['a 1\nb{x="1" 2\nc 3', 2, 10, /not closed/],
    ["a 1\nb\nc 3", 2, 2, /missing/],
    ["a 1\nb one\nc 3", 2, 3, /"one" is not a number/],
    ["a 1\nb 0x10\nc 3", 2, 3, /not a number/],
    ["a 1\nb 1 yesterday\nc 3", 2, 5, /not a time/],
    ["a 1\nb 1 2 3\nc 3", 2, 7, /too much/],
    ["a 1\n9b 1\nc 3", 2, 1, /name/],
    ['a 1\n{"b"} 1\nc 3', 2, 1, /without quotes/],
    ['a 1\nb{x="1",x="2"} 1\nc 3', 2, 9, /twice/],
    ['a 1\nb{x="1"y="2"} 1\nc 3', 2, 8, /expected ,/],
    ["a 1\n# TYPE b guage\nc 3", 2, 10, /expected one of counter, gauge/],
    ["a 1\n<html>\nc 3", 2, 1, /name/],
  ])("says where %j is wrong and keeps the rest", (text, line, column, message) => {
    const { reading, rows } = read(text);
    expect(rows.map(([key, value]) => [key, value])).toEqual([
      ["a", 1],
      ["c", 3],
    ]);
    expect(reading.faultCount).toBe(1);
    expect(reading.faults).toEqual([{ line, column, message: expect.stringMatching(message) as unknown }]);
  });

  it("keeps ten faults of many and counts all", () => {
    const { reading } = read("?\n".repeat(1000));
    expect([reading.faults.length, reading.faultCount]).toEqual([10, 1000]);
  });

  it("refuses what follows # EOF", () => {
    expect(read("a 1\n# EOF\nb 2\n", "openmetrics").reading).toMatchObject({ faultCount: 1, whole: true, batch: { length: 1 } });
  });

  it("leaves out what is refused, counted, and what is ignored", () => {
    const answers: Record<string, number> = { refused: SERIES_REFUSED, ignored: SERIES_IGNORED };
    const { parser } = parserOf("prometheus", ({ name }) => answers[name] ?? null);
    parser.push("refused 1\nignored 1\nkept 1\nrefused 2\n");
    expect(parser.end()).toMatchObject({ refused: 2, faultCount: 0, batch: { length: 1 } });
  });

  it("asks for a series once, whatever the order it comes in later", () => {
    const { parser, series } = parserOf("prometheus");
    for (const text of ['a 1\nb{x="1"} 2\n', 'b{x="1"} 3\na 4\n', "a 5\n"]) {
      parser.push(text);
      parser.end();
    }
    expect(series.map(({ name }) => name)).toEqual(["a", "b"]);
    parser.push("ab 1\na 2\n");
    expect(rows(parser.end(), series)).toEqual([
      ["ab", 1, NaN],
      ["a", 2, NaN],
    ]);
  });

  it("bounds lines and readings", () => {
    const limits = { maxLineCharacters: 100, maxCharacters: 1000 };
    const parser = () => new ExpositionParser({ format: "prometheus", define: () => 0, ...limits });
    const endless = parser();
    expect(() => {
      for (let i = 0; i < 100; i++) endless.push("xxxxxxxxxx");
    }).toThrow(expect.objectContaining({ code: "line_too_long" }));
    expect(() => parser().push("a 1\n".repeat(300))).toThrow(expect.objectContaining({ code: "reading_too_large" }));
  });

  it("cuts a stream into readings at empty lines and # EOF", () => {
    const lengths: number[] = [];
    const parser = new ExpositionParser({
      format: "openmetrics",
      define: () => 0,
      ended: ({ batch }) => lengths.push(batch.length),
    });
    parser.push("a 1\nb 2\n\n\nc 3\n# E");
    parser.push("OF\n\r\nd");
    parser.push(" 4\r\n# TYPE a gauge\n\n");
    expect(lengths).toEqual([2, 1, 1]);
  });

  const labels = fc.dictionary(
    fc.stringMatching(/^[a-zA-Z_][a-zA-Z0-9_]{0,8}$/).filter((name) => name !== "__proto__"),
    fc.string(),
    {
      maxKeys: 4,
    },
  );
  const decimals = fc.double({ min: -1000, max: 1000 }).map((value) => Number(value.toFixed(3)));
  const sample = fc.record({
    name: fc.stringMatching(/^[a-zA-Z_:][a-zA-Z0-9_:]{0,12}$/),
    labels,
    // The zero of text has no sign.
    value: fc.oneof(fc.double(), fc.integer(), decimals).map((value) => value + 0),
    timestampMs: fc.option(fc.integer({ min: 0, max: 2 ** 42 })),
  });

  it("reads back what was written, in whatever pieces it comes", () => {
    fc.assert(
      fc.property(fc.array(sample, { maxLength: 20 }), fc.array(fc.nat(60), { maxLength: 30 }), (samples, cuts) => {
        const text = samples.map(written).join("");
        const { parser, series } = parserOf("prometheus");
        for (let round = 0; round < 2; round++) {
          let at = 0;
          for (const cut of cuts) parser.push(text.slice(at, (at += cut)));
          parser.push(text.slice(at));
          const reading = parser.end();
          expect(reading.faults).toEqual([]);
          expect(rows(reading, series)).toEqual(
            samples.map(({ name, labels, value, timestampMs }) => [seriesKey(name, labels), value, timestampMs ?? NaN]),
          );
        }
      }),
    );
  });

  it("survives any text", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'a{}="\\,# \t\n1.e+-:TYPEOF'.split("")), maxLength: 200 }), (text) => {
        const { reading } = read(text);
        expect(reading.batch.length).toBeLessThanOrEqual(text.split("\n").length);
      }),
    );
  });
});

function written({
  name,
  labels,
  value,
  timestampMs,
}: {
  name: string;
  labels: Labels;
  value: number;
  timestampMs: number | null;
}) {
  const escape = (text: string): string => text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escape(text)}"`);
  const number = Number.isFinite(value) ? String(value) : Number.isNaN(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
  return `${name}${pairs.length > 0 ? `{${pairs.join(",")}}` : ""} ${number}${timestampMs === null ? "" : ` ${timestampMs}`}\n`;
}

describe("JSON lines", () => {
  const readLines = (text: string) => {
    const series: TextSeries[] = [];
    const parser = new JsonLinesParser({ define: (one) => series.push(one) - 1 });
    parser.push(text);
    const reading = parser.end();
    return { reading, rows: rows(reading, series) };
  };

  it("reads samples and lists of them", () => {
    const { reading, rows } = readLines(
      `{"metric": "a", "value": 1.5}\n\n[{"metric": "b", "labels": {"x": "1"}, "value": "NaN", "timestamp_ms": 1000.4}, {"metric": "a", "value": "-Inf"}]`,
    );
    expect(reading.faults).toEqual([]);
    expect(rows).toEqual([
      ["a", 1.5, NaN],
      ['b{x="1"}', NaN, 1000],
      ["a", -Infinity, NaN],
    ]);
  });

  it.each([
    ["hello", /not JSON/],
    ["1", /expected an object/],
    ['{"metric": "a b", "value": 1}', /\/metric: expected a metric's name, found "a b"/],
    ['{"metric": "a"}', /\/value: expected a number/],
    ['{"metric": "a", "value": "1"}', /\/value/],
    ['{"metric": "a", "value": 1, "labels": {"x": 1}}', /\/labels: expected an object of texts/],
    ['{"metric": "a", "value": 1, "timestamp": 1}', /\/timestamp is not known here: the names are metric, labels/],
    ['[{"metric": "a", "value": 1}, {"metric": "b"}]', /^\/1\/value/],
  ])("says what is wrong with %s and keeps the rest", (line, message) => {
    const { reading, rows } = readLines(`{"metric": "first", "value": 1}\n${line}\n{"metric": "last", "value": 2}\n`);
    expect(reading.faults).toEqual([
      { line: 2, column: expect.any(Number) as unknown, message: expect.stringMatching(message) as unknown },
    ]);
    expect(rows.at(0)?.[0]).toBe("first");
    expect(rows.at(-1)?.[0]).toBe("last");
  });
});
