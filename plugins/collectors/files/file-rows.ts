import {
  AgentError,
  type BatchRun,
  type BatchTools,
  type Cell,
  type PluginContext,
  type RowHandler,
  type RowPlace,
} from "all-use-agent/sdk";
import type { FileSourceConfig } from "./file-source.ts";

/** A column that every file has beside its own: its name. */
const FILE_COLUMN = "_file";
const UTF8_MARK = "\xef\xbb\xbf";

/** The lines of one file on their way into a run. */
export interface FileLines {
  /** Of the next line to be read. */
  readonly line: number;
  /** Reading cannot go on in the middle of the file before `header` has seen its beginning. */
  readonly needsHeader: boolean;
  /** Looks for the header in the file's beginning. False: more of it is needed. */
  header(text: string): boolean;
  /** Takes whole lines; returns how many characters are done with. After `last` nothing follows. */
  take(text: string, last: boolean): number;
}

/** `lines` is how many lines lie before what comes. */
export function linesOf(
  ctx: PluginContext,
  config: FileSourceConfig,
  tools: BatchTools,
  run: BatchRun,
  name: string,
  mtimeMs: number,
  lines: number,
): FileLines {
  if (config.format === "csv" || config.format === "jsonl") return new TableLines(config, tools, run, name, lines);
  return new ExpositionLines(tools.readExposition(ctx, config.format, config.constant_labels ?? {}), run, name, mtimeMs, lines);
}

class TableLines implements FileLines {
  private readonly reader;
  private readonly run: BatchRun;
  private readonly place: { -readonly [K in keyof RowPlace]: RowPlace[K] };
  private readonly name: string;
  private readonly sink;
  private handler: RowHandler | null = null;
  private first: boolean;

  constructor(config: FileSourceConfig, tools: BatchTools, run: BatchRun, name: string, lines: number) {
    this.run = run;
    this.name = name;
    this.first = lines === 0;
    this.place = { where: name, line: 0 };
    if (config.format === "jsonl") {
      const columns = run.columns.filter((column) => column !== FILE_COLUMN);
      this.reader = new tools.JsonRowReader(columns);
      this.bind(columns);
    } else {
      this.reader = new tools.CsvReader({
        delimiter: config.delimiter === "\\t" ? "\t" : (config.delimiter ?? ","),
        quote: config.quote ?? '"',
        encoding: config.encoding ?? "utf-8",
      });
      if (config.columns !== undefined && config.header === false) this.bind(config.columns);
    }
    this.reader.line = lines + 1;
    this.sink = {
      record: (cells: Cell[], line: number): void => {
        // The header is the first record; columns that the operator names count instead of its own.
        if (this.handler === null) return this.bind(config.columns ?? cells.map((cell) => String(cell).trim()));
        cells.push(name);
        this.place.line = line;
        this.handler(cells, this.place);
      },
      fault: ({ line, column, message, text }: { line: number; column: number; message: string; text: string }): void =>
        run.reject("syntax", message, { where: name, line, column }, text),
    };
  }

  get line(): number {
    return this.reader.line;
  }

  get needsHeader(): boolean {
    return this.handler === null;
  }

  header(text: string): boolean {
    const { line } = this.reader;
    const from = markOf(text);
    for (let end = text.indexOf("\n", from); end >= 0 && this.handler === null; end = text.indexOf("\n", end + 1))
      this.reader.read(text.slice(from, end + 1), false, this.sink);
    this.reader.line = line;
    return this.handler !== null;
  }

  take(text: string, last: boolean): number {
    const from = this.first ? markOf(text) : 0;
    const done = this.reader.read(from === 0 ? text : text.slice(from), last, this.sink);
    if (done > 0) this.first = false;
    return done > 0 ? done + from : 0;
  }

  private bind(columns: readonly string[]): void {
    try {
      this.handler = this.run.bind([...columns, FILE_COLUMN]);
    } catch (error) {
      if (!(error instanceof AgentError)) throw error;
      throw new AgentError(error.code, `${this.name}: ${error.message}`, { cause: error });
    }
  }
}

class ExpositionLines implements FileLines {
  line: number;
  readonly needsHeader = false;
  private readonly reader: ReturnType<BatchTools["readExposition"]>;
  private readonly run: BatchRun;
  private readonly name: string;
  private readonly mtimeMs: number;

  constructor(reader: ReturnType<BatchTools["readExposition"]>, run: BatchRun, name: string, mtimeMs: number, lines: number) {
    this.reader = reader;
    this.run = run;
    this.name = name;
    this.mtimeMs = mtimeMs;
    this.line = lines + 1;
  }

  header(): boolean {
    return true;
  }

  take(text: string, last: boolean): number {
    const end = last ? text.length : text.lastIndexOf("\n") + 1;
    if (end === 0) return 0;
    // Bytes are characters here: what is not ASCII is decoded, and a line's end is the same in both.
    const lines = Buffer.from(text.slice(0, end), "latin1").toString("utf8");
    this.reader.take(lines, this.run, this.mtimeMs, this.name, this.line - 1);
    for (let at = lines.indexOf("\n"); at >= 0; at = lines.indexOf("\n", at + 1)) this.line++;
    return end;
  }
}

/** How many characters of the beginning are a byte order mark. Throws for what is no text of bytes. */
function markOf(text: string): number {
  if (text.startsWith("\xff\xfe") || text.startsWith("\xfe\xff"))
    throw new AgentError("batch_source_failed", "it is UTF-16: save it as UTF-8");
  return text.startsWith(UTF8_MARK) ? UTF8_MARK.length : 0;
}
