import type { Readable, Transform } from "node:stream";

export type ImportFormat = "prometheus" | "openmetrics" | "jsonl";

/** Lines that are sent in one request. */
export interface ImportChunk {
  readonly path: string;
  readonly contentType: string;
  readonly body: Buffer;
  /** Of its first line in the file, from 1. */
  readonly line: number;
  /** How many it holds when all of them are good. */
  readonly samples: number;
}

export interface ChunkOptions {
  /** null: by the first line, which is JSON or not. */
  readonly format: ImportFormat | null;
  readonly packed: boolean;
  /** Hears of the bytes read from the file. */
  readonly counted: (bytes: number) => void;
}

/** Small enough for an answer within a second, large enough that requests do not count. */
const CHUNK_BYTES = 2 * 1024 * 1024;
/** A line of JSON is a whole series; the door takes 16 MiB. */
const LINE_MAX_BYTES = 12 * 1024 * 1024;
/** How far into a text its times are looked for. */
const LOOK_BYTES = 64 * 1024;
const EARLIEST_MS = 1e11;
const NEWLINE = 10;
const HASH = 35;
const BRACE = 123;

const BY_SUFFIX: Readonly<Record<string, ImportFormat>> = {
  prom: "prometheus",
  txt: "prometheus",
  om: "openmetrics",
  openmetrics: "openmetrics",
  json: "jsonl",
  jsonl: "jsonl",
  ndjson: "jsonl",
};

/** By a file's name; null where it does not tell. */
export function formatOf(file: string): ImportFormat | null {
  const suffix = /\.([a-z]+)(?:\.gz)?$/.exec(file)?.[1] ?? "";
  return Object.hasOwn(BY_SUFFIX, suffix) ? BY_SUFFIX[suffix] : null;
}

/**
 * Cuts a stream at line ends into chunks. What `# TYPE`, `# HELP` and `# UNIT` say of the metric at a cut is said again after it, so that a
 * series that first comes there is what it is. Throws what the stream throws, and for a line that is too long.
 */
export async function* chunksOf(source: Readable, options: ChunkOptions): AsyncGenerator<ImportChunk, void, void> {
  const cutter = new Cutter(options.format);
  for await (const piece of await unpacked(source, options)) {
    cutter.push(piece);
    for (let chunk = cutter.chunk(); chunk !== null; chunk = cutter.chunk()) yield chunk;
  }
  const last = cutter.last();
  if (last !== null) yield last;
}

async function unpacked(source: Readable, { packed, counted }: ChunkOptions): Promise<AsyncIterable<Buffer>> {
  source.on("data", (piece: Buffer) => counted(piece.length)).pause();
  if (!packed) return source as AsyncIterable<Buffer>;
  const { createGunzip } = await import("node:zlib");
  const plain: Transform = createGunzip();
  source.on("error", (error) => plain.destroy(error));
  return source.pipe(plain) as AsyncIterable<Buffer>;
}

class Cutter {
  private format: ImportFormat | null;
  private pieces: Buffer[] = [];
  private length = 0;
  private line = 1;
  /** The comments about the metric at hand. */
  private said = "";
  private family = "";

  constructor(format: ImportFormat | null) {
    this.format = format;
  }

  push(piece: Buffer): void {
    this.pieces.push(piece);
    this.length += piece.length;
  }

  /** A chunk of whole lines, or null when there is too little for one. */
  chunk(): ImportChunk | null {
    if (this.length < CHUNK_BYTES) return null;
    const all = Buffer.concat(this.pieces, this.length);
    const end = all.lastIndexOf(NEWLINE) + 1;
    if (end === 0) {
      if (this.length > LINE_MAX_BYTES) throw new Error(`line ${this.line} is longer than ${LINE_MAX_BYTES} bytes`);
      this.pieces = [all];
      return null;
    }
    const rest = all.subarray(end);
    this.pieces = rest.length > 0 ? [rest] : [];
    this.length = rest.length;
    return this.made(all.subarray(0, end));
  }

  last(): ImportChunk | null {
    const all = Buffer.concat(this.pieces, this.length);
    this.pieces = [];
    this.length = 0;
    return all.length === 0 ? null : this.made(all);
  }

  private made(lines: Buffer): ImportChunk {
    const { line } = this;
    this.format ??= formatOfText(lines);
    if (this.format === "jsonl") {
      this.line += countLines(lines);
      return { path: "/api/v1/import", contentType: "application/json", body: lines, line, samples: countValues(lines) };
    }
    const contentType =
      this.format === "openmetrics"
        ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
        : "text/plain; version=0.0.4; charset=utf-8";
    const body = this.said === "" ? lines : Buffer.concat([Buffer.from(this.said), lines]);
    const samples = this.walk(lines);
    return { path: "/api/v1/import/prometheus", contentType, body, line, samples };
  }

  /** Counts samples and remembers what is said of the last metric. */
  private walk(lines: Buffer): number {
    let samples = 0;
    for (let from = 0; from < lines.length;) {
      const found = lines.indexOf(NEWLINE, from);
      const to = found < 0 ? lines.length : found;
      if (lines[from] === HASH) this.remember(lines.toString("utf8", from, to));
      else if (to > from + 1 || (to > from && lines[from] !== 13)) samples++;
      this.line++;
      from = to + 1;
    }
    return samples;
  }

  private remember(comment: string): void {
    const family = /^#[ \t]+(?:HELP|TYPE|UNIT)[ \t]+(\S+)/.exec(comment)?.[1];
    if (family === undefined || comment.length > 100_000) return;
    this.said = family === this.family ? `${this.said}${comment}\n` : `${comment}\n`;
    this.family = family;
  }
}

/** Of text without a name: JSON begins with a brace; times before 1973 in milliseconds are OpenMetrics' seconds. */
function formatOfText(lines: Buffer): ImportFormat {
  if (lines[0] === BRACE) return "jsonl";
  for (const line of lines.toString("utf8", 0, LOOK_BYTES).split("\n")) {
    if (line.startsWith("#")) continue;
    const time = /[ \t](?:[^ \t"}]+)[ \t]+(-?\d+(?:\.\d+)?)[ \t]*(?:#.*)?\r?$/.exec(line)?.[1];
    if (time !== undefined) return Math.abs(Number(time)) < EARLIEST_MS ? "openmetrics" : "prometheus";
  }
  return lines.subarray(-16).toString("latin1").trimEnd().endsWith("# EOF") ? "openmetrics" : "prometheus";
}

function countLines(lines: Buffer): number {
  let count = 0;
  for (let at = lines.indexOf(NEWLINE); at >= 0; at = lines.indexOf(NEWLINE, at + 1)) count++;
  return count;
}

/** Values of JSON lines that are as they should be. */
function countValues(lines: Buffer): number {
  let count = 0;
  for (const line of lines.toString("utf8").split("\n")) {
    if (line.trim() === "") continue;
    try {
      count += (JSON.parse(line) as { values: unknown[] }).values.length;
    } catch {
      // The agent says what is wrong with it.
    }
  }
  return count;
}
