import { appendFile, copyFile, mkdtemp, rename, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { expandGlob } from "./glob.ts";
import { LINE_MAX_BYTES, LineSplitter } from "./line-splitter.ts";
import { Tail, type TailState } from "./tail.ts";

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "alluse-tail-"));
  path = join(folder, "app.log");
});
afterEach(() => rm(folder, { recursive: true }));

const open: Tail[] = [];
afterEach(async () => {
  for (const tail of open.splice(0)) await tail.close();
});

function follow(resume: TailState | null = null, fromEnd = false) {
  const lines: string[] = [];
  const seen = { rotations: 0, lost: 0 };
  const splitter = new LineSplitter();
  const take = (line: string): void => void lines.push(line);
  const tail = new Tail(
    path,
    {
      bytes: (chunk) => splitter.push(chunk, take),
      ended: () => {
        const rest = splitter.finish();
        if (rest !== null) take(rest);
      },
      rotated: () => void seen.rotations++,
      lost: (bytes) => void (seen.lost += bytes),
      get pendingBytes() {
        return splitter.pending;
      },
    },
    resume,
    fromEnd,
  );
  open.push(tail);
  const read = async (budget = 1e6): Promise<string[]> => {
    await tail.poll(budget);
    return lines.splice(0);
  };
  return { tail, read, seen };
}

describe("a followed file", () => {
  it("gives what is appended, whole lines only", async () => {
    await writeFile(path, "old\n");
    const { read } = follow(null, true);
    expect(await read()).toEqual([]);
    await appendFile(path, "a\nb");
    expect(await read()).toEqual(["a"]);
    await appendFile(path, "c\r\n\n");
    expect(await read()).toEqual(["bc", ""]);
    expect(await read()).toEqual([]);
  });

  it("is waited for, and read from its first line when it comes", async () => {
    const { read } = follow();
    expect(await read()).toEqual([]);
    await writeFile(path, "first\n");
    expect(await read()).toEqual(["first"]);
  });

  it("is read to its end after it was renamed, then its successor", async () => {
    await writeFile(path, "1\n");
    const { read, seen } = follow();
    expect(await read()).toEqual(["1"]);
    await appendFile(path, "2\n");
    await rename(path, `${path}.1`);
    await appendFile(`${path}.1`, "3\nunfinished");
    expect(await read()).toEqual(["2", "3"]);
    await writeFile(path, "4\n");
    expect(await read()).toEqual(["unfinished", "4"]);
    expect(seen).toEqual({ rotations: 1, lost: 0 });
  });

  it("begins anew when it was copied and cut off, or written anew", async () => {
    await writeFile(path, "1\n2\n");
    const { read, seen } = follow();
    expect(await read()).toEqual(["1", "2"]);
    await copyFile(path, `${path}.1`);
    await truncate(path, 0);
    expect(await read()).toEqual([]);
    await appendFile(path, "3\n");
    expect(await read()).toEqual(["3"]);
    // Cut off and longer than before by the next look: told by how it begins.
    await writeFile(path, "another\nfile\nand\nmore\n");
    expect(await read()).toEqual(["another", "file", "and", "more"]);
    expect(seen.rotations).toBe(2);
  });

  it("is read in parts when it is more than a tick takes", async () => {
    await writeFile(path, "x".repeat(99).concat("\n").repeat(10));
    const { read, tail } = follow();
    expect(await read(250)).toHaveLength(2);
    expect(tail.lag).toBe(750);
    expect(await read()).toHaveLength(8);
    expect(tail.lag).toBe(0);
  });
});

describe("after a restart", () => {
  it("goes on behind the last whole line that was handed on", async () => {
    await writeFile(path, "1\n2\nhal");
    const first = follow();
    expect(await first.read()).toEqual(["1", "2"]);
    const { state } = first.tail;
    await appendFile(path, "f\n3\n");
    expect(await follow(state).read()).toEqual(["half", "3"]);
  });

  it("finds the rest of a file that was rotated meanwhile", async () => {
    await writeFile(path, "1\n");
    const first = follow();
    await first.read();
    await appendFile(path, "2\n");
    await rename(path, `${path}.1`);
    await writeFile(path, "3\n");
    const second = follow(first.tail.state);
    expect(await second.read()).toEqual(["2", "3"]);
    expect(second.seen.rotations).toBe(1);
  });

  it("does not take another file of the same number for it", async () => {
    await writeFile(path, "1\n2\n3\n");
    const first = follow();
    await first.read();
    const state = { ...first.tail.state!, headCrc: 1 };
    expect(await follow(state).read()).toEqual(["1", "2", "3"]);
  });
});

it("splits any bytes into the lines that they are, however they come", () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ unit: "grapheme" }).map((text) => text.replace(/[\r\n]/g, ""))),
      fc.integer({ min: 1, max: 7 }),
      (lines, size) => {
        const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(""));
        const splitter = new LineSplitter();
        const found: string[] = [];
        for (let at = 0; at < bytes.length; at += size) splitter.push(bytes.subarray(at, at + size), (line) => found.push(line));
        expect(found).toEqual(lines.map((line) => Buffer.from(line).toString()));
      },
    ),
  );
});

it("cuts a line that never ends off, and counts it", () => {
  const splitter = new LineSplitter();
  const found: number[] = [];
  const piece = Buffer.alloc(10_000, "x");
  for (let i = 0; i < 50; i++) splitter.push(piece, (line) => found.push(line.length));
  splitter.push(Buffer.from("\nnext\n"), (line) => found.push(line.length));
  expect(found).toEqual([LINE_MAX_BYTES, 4]);
  expect(splitter.cut).toBe(1);
});

it("expands stars in any part of a path, hidden names apart", async () => {
  for (const name of ["a.log", "b.log", "c.txt", ".d.log"]) await writeFile(join(folder, name), "");
  expect(await expandGlob(join(folder, "*.log"))).toEqual([join(folder, "a.log"), join(folder, "b.log")]);
  expect(await expandGlob(join(folder, "?.l*g"))).toHaveLength(2);
  expect(await expandGlob(join(folder.replace(/alluse-tail-.*/, "alluse-tail-*"), "c.txt"))).toContain(join(folder, "c.txt"));
  expect(await expandGlob("/no/such/*/file")).toEqual([]);
});
