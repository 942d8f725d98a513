import {
  AgentError,
  type BatchRun,
  type BatchTools,
  type Cell,
  errorText,
  PermanentError,
  type PluginContext,
  pointerParts,
  type RowHandler,
  type RowReader,
} from "all-use-agent/sdk";
import type { HttpSourceConfig } from "./http-source.ts";

const PIECE_CHARACTERS = 32 * 1024;
const ROWS_AT_ONCE = 500;

/** What a page held beside its rows. */
export interface Page {
  readonly rows: number;
  /** The whole answer where it is JSON, to look for the next page in. */
  readonly json: unknown;
}

/** Gives the rows of one answer to a run. `breathe` is awaited between parts of it. */
export async function readPage(
  ctx: PluginContext,
  config: HttpSourceConfig,
  tools: BatchTools,
  run: BatchRun,
  body: Uint8Array,
  breathe: () => Promise<void>,
): Promise<Page> {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  switch (config.format) {
    case "openmetrics":
    case "prometheus": {
      const reader = tools.readExposition(ctx, config.format, config.constant_labels ?? {});
      const text = bytes.toString("utf8");
      let line = 0;
      for (let at = 0; at < text.length;) {
        const newline = text.indexOf("\n", at + PIECE_CHARACTERS);
        const end = newline < 0 ? text.length : newline + 1;
        const piece = text.slice(at, end);
        reader.take(piece, run, run.scheduledMs, "", line);
        line += piece.split("\n").length - 1;
        at = end;
        await breathe();
      }
      return { rows: line, json: null };
    }
    case "jsonl": {
      const reader = new tools.JsonRowReader(run.columns);
      return { rows: await readText(reader, run.bind(run.columns), config, run, bytes, breathe), json: null };
    }
    case "csv": {
      const reader = new tools.CsvReader({
        delimiter: config.delimiter === "\\t" ? "\t" : (config.delimiter ?? ","),
        quote: config.quote ?? '"',
        encoding: config.encoding ?? "utf-8",
      });
      const handler = config.header === false && config.columns !== undefined ? run.bind(config.columns) : null;
      return { rows: await readText(reader, handler, config, run, bytes, breathe), json: null };
    }
    default:
      return readJson(config, tools, run, bytes, breathe);
  }
}

async function readText(
  reader: RowReader,
  bound: RowHandler | null,
  config: HttpSourceConfig,
  run: BatchRun,
  bytes: Buffer,
  breathe: () => Promise<void>,
): Promise<number> {
  let handler = bound;
  let rows = 0;
  const sink = {
    record: (cells: Cell[], line: number): void => {
      if (handler === null) handler = run.bind(config.columns ?? cells.map((cell) => String(cell).trim()));
      else {
        rows++;
        handler(cells, { line });
      }
    },
    fault: ({ line, column, message, text }: { line: number; column: number; message: string; text: string }): void => {
      rows++;
      run.reject("syntax", message, { line, column }, text);
    },
  };
  let rest = "";
  const marked = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
  for (let at = marked ? 3 : 0; at < bytes.length; at += PIECE_CHARACTERS) {
    rest += bytes.toString("latin1", at, Math.min(at + PIECE_CHARACTERS, bytes.length));
    rest = rest.slice(reader.read(rest, at + PIECE_CHARACTERS >= bytes.length, sink));
    await breathe();
  }
  return rows;
}

async function readJson(
  config: HttpSourceConfig,
  tools: BatchTools,
  run: BatchRun,
  bytes: Buffer,
  breathe: () => Promise<void>,
): Promise<Page> {
  let json: unknown;
  try {
    json = JSON.parse(bytes.toString("utf8"));
  } catch (error) {
    throw new AgentError("batch_source_failed", `the answer is not JSON: ${errorText(error).slice(0, 200)}`, { cause: error });
  }
  const found = tools.valueAt(json, pointerParts(config.rows ?? ""));
  if (typeof found !== "object" || found === null)
    throw new PermanentError(
      `the answer has no rows at ${JSON.stringify(config.rows ?? "")}: expected a list of objects, or one`,
    );
  const rows: unknown[] = Array.isArray(found) ? found : [found];
  const pick = tools.cellPicker(run.columns);
  const handler = run.bind(run.columns);
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i];
    if (typeof row === "object" && row !== null) handler(pick(row), { line: i + 1 });
    else run.reject("syntax", "a row must be an object", { line: i + 1 }, JSON.stringify(row) ?? "");
    if (i % ROWS_AT_ONCE === ROWS_AT_ONCE - 1) await breathe();
  }
  return { rows: rows.length, json };
}
