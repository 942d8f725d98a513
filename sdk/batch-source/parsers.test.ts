import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { type CsvOptions, CsvReader, type RowFault, type RowReader, type RowSink } from "./csv-reader.ts";
import { compileExpression } from "./expression.ts";
import { JsonRowReader } from "./json-reader.ts";
import { numberOf } from "./numbers.ts";
import { TIME_FORMATS, timeLike, timeReader } from "./time-format.ts";
import type { Cell } from "./types.ts";
import { Zone } from "./zone.ts";

interface Read {
  readonly rows: Cell[][];
  readonly lines: number[];
  readonly faults: RowFault[];
}

/** Feeds bytes in pieces of a size, as a file comes. */
function readAll(reader: RowReader, text: string, pieceBytes = 7): Read {
  const bytes = Buffer.from(text, "utf8").toString("latin1");
  const read: Read = { rows: [], lines: [], faults: [] };
  const sink: RowSink = {
    record: (cells, line) => {
      read.rows.push([...cells]);
      read.lines.push(line);
    },
    fault: (fault) => void read.faults.push(fault),
  };
  let rest = "";
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    rest += bytes.slice(at, at + pieceBytes);
    rest = rest.slice(reader.read(rest, false, sink));
  }
  if (rest !== "") expect(reader.read(rest, true, sink)).toBe(rest.length);
  return read;
}

const csv = (text: string, options: CsvOptions = {}, pieceBytes?: number): Read =>
  readAll(new CsvReader(options), text, pieceBytes);

describe("CSV", () => {
  /** RFC 4180, section 2, by its numbers, and what is met beside it. */
  const corpus: [name: string, text: string, rows: string[][], options?: CsvOptions][] = [
    [
      "1: records on lines",
      "aaa,bbb,ccc\r\nzzz,yyy,xxx\r\n",
      [
        ["aaa", "bbb", "ccc"],
        ["zzz", "yyy", "xxx"],
      ],
    ],
    [
      "2: no end of the last line",
      "aaa,bbb\r\nzzz,yyy",
      [
        ["aaa", "bbb"],
        ["zzz", "yyy"],
      ],
    ],
    ["4: blanks are part of a cell", " a , b\n", [[" a ", " b"]]],
    [
      "5: quoted cells",
      '"aaa","bbb"\r\nzzz,yyy',
      [
        ["aaa", "bbb"],
        ["zzz", "yyy"],
      ],
    ],
    [
      "6: line ends and commas in quotes",
      '"aaa","b\r\nb,b","c"\r\nz,y,x',
      [
        ["aaa", "b\r\nb,b", "c"],
        ["z", "y", "x"],
      ],
    ],
    ["7: quotes doubled", '"aaa","b""bb","""",""\n', [["aaa", 'b"bb', '"', ""]]],
    [
      "empty cells",
      ",,\n,\n",
      [
        ["", "", ""],
        ["", ""],
      ],
    ],
    ["a quote within an unquoted cell", 'a"b,c"\n', [['a"b', 'c"']]],
    ["blank lines", "a\n\n\r\nb\n", [["a"], ["b"]]],
    ["another delimiter and quote", "'a;1';b\n", [["a;1", "b"]], { delimiter: ";", quote: "'" }],
    ["no quotes at all", '"a,b"\n', [['"a', 'b"']], { quote: "" }],
    ["letters of many bytes", 'Zürich,"日本,語"\n', [["Zürich", "日本,語"]]],
  ];
  test.each(corpus)("%s", (_name, text, rows, options) => {
    for (const pieceBytes of [1, 2, 3, 1000]) {
      const read = csv(text, options, pieceBytes);
      expect(read.rows).toEqual(rows);
      expect(read.faults).toEqual([]);
    }
  });

  it("says line and column of what it cannot read, and goes on with the next line", () => {
    const read = csv('a,b\n"x"y,1\nc,d\n"never closed\ne,f\n');
    expect(read.faults.map(({ line, column }) => [line, column])).toEqual([
      [2, 4],
      [4, 1],
    ]);
    expect(read.rows).toEqual([
      ["a", "b"],
      ["c", "d"],
      ["e", "f"],
    ]);
    expect(read.lines).toEqual([1, 3, 5]);
  });

  it("counts lines within quotes", () => {
    expect(csv('"a\n\nb",1\nc,2\n').lines).toEqual([1, 4]);
  });

  it("gives up a line without end, with bounded memory", () => {
    const read = csv(`${"x".repeat(600_000)}\na,b\n`, {}, 32_768);
    expect(read.faults).toHaveLength(1);
    expect(read.rows).toEqual([["a", "b"]]);
    const open = csv(`"${"x\n".repeat(300_000)}`, {}, 32_768);
    expect(open.faults.length).toBeGreaterThan(0);
    expect(open.rows.length).toBeGreaterThan(0);
  });

  it("reads what was written, in any pieces", () => {
    const cell = fc.oneof(fc.string({ unit: "grapheme" }), fc.constantFrom("", '"', ",", "\n", "\r\n", 'a"b', " "));
    fc.assert(
      fc.property(
        fc.array(fc.array(cell, { minLength: 1, maxLength: 5 }), { maxLength: 8 }),
        fc.constantFrom("\n", "\r\n"),
        fc.integer({ min: 1, max: 50 }),
        (rows, end, pieceBytes) => {
          const text = rows.map((row) => row.map((one) => `"${one.replaceAll('"', '""')}"`).join(",") + end).join("");
          expect(csv(text, {}, pieceBytes)).toMatchObject({ rows, faults: [] });
        },
      ),
    );
  });

  it("ends with anything, taking every byte, and tells the same in any pieces", () => {
    const part = fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom('"', '""', ",", "\n", "\r", "\r\n"));
    fc.assert(
      fc.property(fc.array(part, { maxLength: 40 }), fc.integer({ min: 1, max: 30 }), (parts, pieceBytes) => {
        const text = parts.join("");
        const whole = csv(text, {}, 1_000_000);
        const { rows, lines, faults } = csv(text, {}, pieceBytes);
        expect([rows, lines]).toEqual([whole.rows, whole.lines]);
        // How much of a line is shown depends on how much of it is there.
        const places = (all: readonly RowFault[]) => all.map(({ line, column, message }) => [line, column, message]);
        expect(places(faults)).toEqual(places(whole.faults));
        for (const { line, column } of whole.faults) expect(line * column).toBeGreaterThan(0);
      }),
      { numRuns: 500 },
    );
  });
});

describe("JSON lines", () => {
  it("takes keys and pointers out of each object", () => {
    const reader = new JsonRowReader(["a", "/b/c", "d", "/b"]);
    const read = readAll(reader, '{"a":1,"b":{"c":"ü"}}\n\n[1]\n{"a":\n{"d":true}');
    expect(read.rows).toEqual([
      [1, "ü", null, '{"c":"ü"}'],
      [null, null, true, null],
    ]);
    expect(read.faults.map(({ line }) => line)).toEqual([3, 4]);
    expect(read.faults.every(({ column }) => column > 0)).toBe(true);
  });

  it("ends with anything", () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.json(), fc.string({ unit: "binary" }))),
        fc.integer({ min: 1, max: 40 }),
        (lines, bytes) => {
          const read = readAll(new JsonRowReader(["a", "__proto__", "/x/constructor"]), lines.join("\n"), bytes);
          for (const row of read.rows) expect(row).toHaveLength(3);
        },
      ),
    );
  });
});

describe("times", () => {
  const berlin = new Zone("Europe/Berlin");
  const iso = timeReader("iso8601", berlin);
  test.each([
    ["2026-01-05T12:00:00Z", "2026-01-05T12:00:00.000Z"],
    ["2026-01-05 12:00:00.123456", "2026-01-05T11:00:00.123Z"],
    ["2026-07-05 12:00", "2026-07-05T10:00:00.000Z"],
    ["2026-07-05", "2026-07-04T22:00:00.000Z"],
    ["2026-01-05T12:00:00+05:30", "2026-01-05T06:30:00.000Z"],
    ["2026-01-05T12:00:00,5 -0100", "2026-01-05T13:00:00.500Z"],
    ["2028-02-29T00:00:00Z", "2028-02-29T00:00:00.000Z"],
    ["2016-12-31T23:59:60Z", "2017-01-01T00:00:00.000Z"],
    // Does not exist, and exists twice.
    ["2026-03-29 02:30", "2026-03-29T01:30:00.000Z"],
    ["2026-10-25 02:30", "2026-10-25T00:30:00.000Z"],
    ["2026-10-25 03:00", "2026-10-25T02:00:00.000Z"],
  ])("%s is %s", (text, expected) => {
    expect(new Date(iso(text)).toISOString()).toBe(expected);
  });

  test.each(["", "x", "2026-02-30", "2026-13-01", "2026-01-01T24:00", "2026-01-01T00:00:00+25:00", "5", "2026-1-1"])(
    "%s is none",
    (text) => {
      expect(iso(text)).toBeNaN();
    },
  );

  it("reads Unix times of every unit, nanoseconds without loss", () => {
    const utc = new Zone("UTC");
    const ms = 1_767_614_400_123;
    expect(timeReader("unix_s", utc)("1767614400.123")).toBe(ms);
    expect(timeReader("unix_s", utc)(1767614400.123)).toBe(ms);
    expect(timeReader("unix_ms", utc)(ms)).toBe(ms);
    expect(timeReader("unix_us", utc)("1767614400123999")).toBe(ms);
    expect(timeReader("unix_ns", utc)("1767614400123999999")).toBe(ms);
    expect(timeReader("unix_ns", utc)("x")).toBeNaN();
  });

  it("reads times of a form of their own", () => {
    const read = timeReader("pattern", berlin, "DD.MM.YYYY HH:mm:ss");
    expect(read("05.07.2026 12:00:00")).toBe(Date.UTC(2026, 6, 5, 10));
    expect(read("31.02.2026 12:00:00")).toBeNaN();
    expect(timeReader("pattern", berlin, "MMM D, YYYY h:mm A Z")("Jul 5, 2026 12:30 AM +00:00")).toBe(
      Date.UTC(2026, 6, 5, 0, 30),
    );
    expect(() => timeReader("pattern", berlin, "HH:mm")).toThrow(/needs a year/);
  });

  it("writes an earlier time in the form it was read in", () => {
    for (const like of ["2026-01-05 12:00:00.123456", "2026-07-05T12:00:00+05:30", "2026-07-05T12:00:00Z"]) {
      const ms = iso(like);
      expect(iso(timeLike(like, "iso8601", ms, berlin))).toBe(ms);
      expect(String(timeLike(like, "iso8601", ms, berlin))).toHaveLength(like.length);
    }
  });

  it("ends with anything, and with a whole number or none", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...TIME_FORMATS),
        fc.oneof(fc.string(), fc.double(), fc.boolean(), fc.constant(null)),
        (format, cell) => {
          const ms = timeReader(format, berlin, "YYYY-MM-DD")(cell);
          expect(Number.isNaN(ms) || !Number.isFinite(ms) || Number.isInteger(ms)).toBe(true);
        },
      ),
    );
  });

  it("finds the wall clock of any instant again, but for the hour that comes twice", () => {
    for (const name of ["Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "UTC", "Asia/Kathmandu"]) {
      const zone = new Zone(name);
      fc.assert(
        fc.property(fc.integer({ min: Date.UTC(1990, 0), max: Date.UTC(2037, 0) }), (ms) => {
          const again = zone.toUtc(ms + zone.offsetMs(ms));
          expect(ms - again === 0 || (ms - again > 0 && ms - again <= 3_600_000)).toBe(true);
          expect(again + zone.offsetMs(again)).toBe(ms + zone.offsetMs(ms));
        }),
        { numRuns: 300 },
      );
    }
  });
});

describe("expressions", () => {
  const columns = ["a", "b", "some name"];
  const run = (text: string, row: Cell[]): Cell => compileExpression(text, (column) => columns.indexOf(column))(row);
  test.each<[string, Cell[], Cell]>([
    ["1 + 2 * 3 - 4 / 2", [], 5],
    ["-(a - b) % 4", ["1", 8], 3],
    ["if(a >= 10, 'high', 'low')", ["12"], "high"],
    ["coalesce(a, b, 7)", [null, ""], 7],
    ["concat(upper(a), '-', `some name`)", ["x", null, "y"], "X-y"],
    ["a / b", [1, 0], null],
    ["a + 1", [null], null],
    ["max(a, b) == 3", [3, 2], true],
  ])("%s", (text, row, expected) => {
    expect(run(text, row)).toBe(expected);
  });

  it("says where it is wrong", () => {
    for (const text of ["", "1 +", "(1", "1 2", "nothing(1)", "a $ b", "abs(1, 2)", "(".repeat(600)])
      expect(() => run(text, [])).toThrow(/column \d+/);
  });

  it("ends with anything", () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom("a", "1", "+", "-", "*", "(", ")", ",", "if", "abs", "'x'", "==", "<", " ", "`b`")),
        (parts) => {
          try {
            run(parts.join(""), [1, "2", null]);
          } catch (error) {
            expect(error).toMatchObject({ code: "batch_config_invalid" });
          }
        },
      ),
      { numRuns: 1000 },
    );
  });
});

it("takes as numbers what programs write as numbers", () => {
  for (const [cell, value] of [
    [" 1.5e3 ", 1500],
    ["-.5", -0.5],
    ["true", 1],
    ["", null],
    ["NaN", null],
    ["0x10", undefined],
    ["1,5", undefined],
    ["-inf", -Infinity],
  ] as const)
    expect(numberOf(cell)).toBe(value);
});
