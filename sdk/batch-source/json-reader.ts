import { pointerParts } from "../config-schema.ts";
import { errorText } from "../errors.ts";
import { decoder, RECORD_MAX_CHARACTERS, type RowReader, type RowSink } from "./csv-reader.ts";
import type { Cell } from "./types.ts";

const SHOWN_CHARACTERS = 400;

/**
 * JSON lines: an object a line. A column is a key, or a JSON pointer (`/labels/account`) where it begins with a slash. What is an
 * object or a list is its JSON text.
 */
export class JsonRowReader implements RowReader {
  line = 1;
  private readonly pick: (row: object) => Cell[];
  private readonly decode = decoder("utf-8");
  private skipping = false;

  constructor(columns: readonly string[]) {
    this.pick = cellPicker(columns);
  }

  read(text: string, last: boolean, sink: RowSink): number {
    let at = 0;
    while (at < text.length) {
      let end = text.indexOf("\n", at);
      if (end < 0) {
        if (!this.skipping && text.length - at > RECORD_MAX_CHARACTERS) this.tooLong(text, at, sink);
        if (this.skipping) return text.length;
        if (!last) return at;
        end = text.length;
      }
      if (!this.skipping) this.take(text.slice(at, end), sink);
      this.skipping = false;
      this.line++;
      at = end + 1;
    }
    return Math.min(at, text.length);
  }

  private tooLong(text: string, at: number, sink: RowSink): void {
    this.skipping = true;
    const message = `a line has more than ${RECORD_MAX_CHARACTERS} bytes`;
    sink.fault({ line: this.line, column: 1, message, text: text.slice(at, at + SHOWN_CHARACTERS) });
  }

  private take(raw: string, sink: RowSink): void {
    const line = this.decode(raw);
    if (line.trim() === "") return;
    const fault = (column: number, message: string): void =>
      sink.fault({ line: this.line, column, message, text: line.slice(0, SHOWN_CHARACTERS) });
    let row: unknown;
    try {
      row = JSON.parse(line);
    } catch (error) {
      const message = errorText(error);
      return fault(Number(/position (\d+)/.exec(message)?.[1] ?? 0) + 1, `this is not JSON: ${message.slice(0, 200)}`);
    }
    if (typeof row !== "object" || row === null || Array.isArray(row)) return fault(1, "a line must be one JSON object");
    sink.record(this.pick(row), this.line);
  }
}

/** Takes the columns' cells out of an object. The list is used again for the next one. */
export function cellPicker(columns: readonly string[]): (row: object) => Cell[] {
  const paths = columns.map((column) => (column.startsWith("/") ? pointerParts(column) : [column]));
  const cells: Cell[] = [];
  return (row) => {
    for (let i = 0; i < paths.length; i++) cells[i] = cellOf(valueAt(row, paths[i]));
    cells.length = paths.length;
    return cells;
  };
}

/** What stands at the parts of a pointer; undefined where there is nothing. Never looks at a prototype. */
export function valueAt(value: unknown, parts: readonly string[]): unknown {
  let found = value;
  for (const part of parts) {
    if (typeof found !== "object" || found === null || !Object.hasOwn(found, part)) return undefined;
    found = (found as Record<string, unknown>)[part];
  }
  return found;
}

function cellOf(value: unknown): Cell {
  if (value === undefined || value === null) return null;
  if (typeof value === "object") return JSON.stringify(value);
  return value as Cell;
}
