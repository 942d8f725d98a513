import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { Reader, type Shape } from "./reader.ts";
import { Rows } from "./rows.ts";
import type { Scanner } from "./scanner.ts";

const folder = mkdtempSync(join(tmpdir(), "host-reader-"));
afterAll(() => rmSync(folder, { recursive: true }));

function scan(text: string, shape: Shape = "whole"): Scanner {
  const path = join(folder, "file");
  writeFileSync(path, text);
  const file = new Reader().file(path, shape);
  const scanner = file.read();
  file.close();
  return scanner;
}

describe("numbers", () => {
  test.each([
    ["0", 0],
    ["  42 ", 42],
    ["-7", -7],
    ["999999999999999", 999999999999999],
    ["9007199254740991", 9007199254740991],
    ["18446744073709551615", 2 ** 64],
    ["123456789012345678", Number(123456789012345678n)],
    ["100000000000000000000", 1e20],
  ])("%s is read as a whole number", (text, value) => {
    expect(scan(text).integer()).toBe(value);
  });

  test("no digit is NaN, and the cursor does not run away", () => {
    const scanner = scan("kB\n12");
    expect(scanner.integer()).toBeNaN();
    scanner.skipLine();
    expect(scanner.integer()).toBe(12);
    expect(scanner.integer()).toBeNaN();
  });

  test.each([
    ["0.07", 0.07],
    ["12.50", 12.5],
    ["3", 3],
    ["-0.5", -0.5],
    ["1234.5678", 1234.5678],
  ])("%s is read as a decimal, as the language itself reads it", (text, value) => {
    expect(scan(text).decimal()).toBe(value);
  });

  test.each([
    ["0000020a", 522],
    ["0x1003", 4099],
    ["FF", 255],
    ["zz", 0],
  ])("%s is read as hexadecimal", (text, value) => {
    expect(scan(text).hexadecimal()).toBe(value);
  });
});

test("a file larger than the buffer is read to its end", () => {
  const lines = Array.from({ length: 20_000 }, (_, i) => `key${i} ${i}`);
  for (const shape of ["whole", "lines", "long"] as const) {
    const scanner = scan(`${lines.join("\n")}\n`, shape);
    expect(scanner.all()).toBe(lines.join("\n"));
  }
});

test("a kept file is read anew each time, and opened anew once closed", () => {
  const path = join(folder, "kept");
  const reader = new Reader();
  const file = reader.file(path, "whole");
  expect(() => file.read()).toThrow("ENOENT");
  writeFileSync(path, "1");
  expect(file.number()).toBe(1);
  writeFileSync(path, "22");
  expect(file.number()).toBe(22);
  expect(reader.kept).toBe(1);
  rmSync(path);
  writeFileSync(path, "333");
  expect(file.number()).toBe(22);
  file.close();
  expect(file.number()).toBe(333);
  file.close();
  file.close();
  expect(reader.kept).toBe(0);
});

test("a file that refuses is left alone for some tries, or until told to try again", () => {
  const path = join(folder, "refuses");
  const file = new Reader().file(path, "whole");
  expect(file.number()).toBeNaN();
  writeFileSync(path, "5");
  for (let i = 0; i < 30; i++) expect(file.number()).toBeNaN();
  expect(file.number()).toBe(5);
  file.close();
});

test("a line is known again by its key alone, and any other is learnt anew", () => {
  const rows = new Rows<string>();
  expect(rows.get(0, 17)).toBeUndefined();
  rows.set(0, 17, "first");
  rows.set(300, 18, "far");
  expect(rows.get(0, 17)).toBe("first");
  expect(rows.get(0, 18)).toBeUndefined();
  expect(rows.get(300, 18)).toBe("far");
  expect(rows.get(5000, 0)).toBeUndefined();
});

test("a file asked on a thread says what it says when read", async () => {
  const path = join(folder, "asked");
  const reader = new Reader();
  for (const [text, value] of [
    ["-4400\n", -4400],
    ["0x1303\n", 0x1303],
    ["2.5 Gb/sec", 2.5],
    ["N/A (no PMA)\n", NaN],
    ["", NaN],
  ] as const) {
    writeFileSync(path, text);
    const file = reader.file(path, "whole");
    expect(await file.ask()).toBe(value);
    expect(file.number()).toBe(value);
    file.close();
  }
  expect(await reader.file(join(folder, "missing"), "whole").ask()).toBeNaN();
  expect(reader.kept).toBe(0);
});
