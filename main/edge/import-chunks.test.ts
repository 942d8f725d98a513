import { Readable } from "node:stream";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { chunksOf, formatOf, type ImportChunk, type ImportFormat } from "./import-chunks.ts";
import { Progress, progressLine } from "./import-progress.ts";

async function chunks(
  text: string,
  format: ImportFormat | null = null,
  pieceBytes = 65_536,
  packed = false,
): Promise<ImportChunk[]> {
  const bytes = packed ? gzipSync(text) : Buffer.from(text);
  const pieces = [];
  for (let at = 0; at < bytes.length; at += pieceBytes) pieces.push(bytes.subarray(at, at + pieceBytes));
  const found: ImportChunk[] = [];
  for await (const chunk of chunksOf(Readable.from(pieces, { objectMode: false }), { format, packed, counted: () => {} }))
    found.push(chunk);
  return found;
}

describe("files to import", () => {
  it("tell their format by name, by their times, or by their end", async () => {
    expect(["a.prom", "a.prom.gz", "b.jsonl", "c.om", "d.csv", "-"].map(formatOf)).toEqual([
      "prometheus",
      "prometheus",
      "jsonl",
      "openmetrics",
      null,
      null,
    ]);
    const typeOf = async (text: string) => (await chunks(text))[0].contentType.split(";")[0];
    expect(await typeOf('a{b="c d"} 1 1700000000000\n')).toBe("text/plain");
    expect(await typeOf('# TYPE a gauge\na 1 1700000000.25 # {x="y"} 1\n')).toBe("application/openmetrics-text");
    expect(await typeOf("a 1\n# EOF\n")).toBe("application/openmetrics-text");
    expect(await typeOf("a 1\n")).toBe("text/plain");
    expect(await typeOf('{"metric":{},"values":[],"timestamps":[]}\n')).toBe("application/json");
  });

  it("are cut at line ends, and what a metric is is said again after a cut", async () => {
    const comments = "# TYPE b counter\n# HELP b What.\n";
    const lines = Array.from({ length: 200_000 }, (_, i) => `b{n="${i}"} ${i} 1700000000000\n`).join("");
    const found = await chunks(`# TYPE a gauge\na 1 1700000000000\n${comments}${lines}`, null, 100_000, true);
    expect(found.length).toBeGreaterThan(2);
    let line = 1;
    for (const [i, chunk] of found.entries()) {
      const text = chunk.body.toString();
      expect(text.endsWith("\n")).toBe(true);
      if (i > 0) expect(text.startsWith(comments)).toBe(true);
      expect(chunk.line).toBe(line);
      line += text.split("\n").length - 1 - (i > 0 ? 2 : 0);
    }
    expect(found.reduce((sum, { samples }) => sum + samples, 0)).toBe(200_001);
  });

  it("have no line without end", async () => {
    await expect(chunks("x".repeat(13 * 1024 * 1024), "jsonl")).rejects.toThrow(/line 1 is longer than/);
  });
});

describe("progress", () => {
  it("says how far, how fast and how long yet", () => {
    expect(progressLine(50, 100, 1_000_000, 10)).toBe(
      `[${"#".repeat(15)}${" ".repeat(15)}] 50 %  1,000,000 samples, 100,000 a second, 10 s left`,
    );
    expect(progressLine(1024 * 1024, null, 5, 1)).toBe("1.0 MiB  5 samples, 5 a second");
    expect(progressLine(1, 1000, 5, 10)).toContain("2 h 47 min left");
  });

  it("is drawn on a terminal only", () => {
    for (const isTTY of [true, false]) {
      const written: string[] = [];
      const progress = new Progress({ isTTY, write: (text: unknown) => written.push(String(text)) > 0 }, 10);
      progress.read(5);
      progress.kept(1);
      progress.end();
      expect(written.length > 0).toBe(isTTY);
    }
  });
});
