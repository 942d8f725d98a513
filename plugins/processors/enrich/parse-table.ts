import { AgentError, errorText } from "all-use-agent/sdk";

const ROWS_MAX = 100_000;
const COLUMNS_MAX = 100;
const VALUE_MAX_CHARACTERS = 4096;

/** Rows as texts by column. */
export type TableRow = Readonly<Record<string, string>>;

/** Reads CSV (RFC 4180, a header, commas) or JSON (a list of flat objects). Throws `table_invalid` with the place. */
export function parseTable(text: string, format: "csv" | "json"): TableRow[] {
  const rows = format === "json" ? fromJson(text) : fromCsv(text);
  if (rows.length > ROWS_MAX) throw fault(`it has more than ${ROWS_MAX} rows`, `row ${ROWS_MAX + 1}`);
  return rows;
}

function fromJson(text: string): TableRow[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw fault(`it is no JSON (${errorText(error)})`, "");
  }
  if (!Array.isArray(value)) throw fault("expected a list of objects", "");
  return value.map((row: unknown, i) => {
    const where = `row ${i + 1}`;
    if (typeof row !== "object" || row === null || Array.isArray(row)) throw fault("expected an object", where);
    const entries = Object.entries(row).filter(([, cell]) => cell !== null);
    if (entries.length > COLUMNS_MAX) throw fault(`it has more than ${COLUMNS_MAX} columns`, where);
    return rowOf(
      entries.map(([name, cell]) => {
        if (typeof cell === "object") throw fault(`expected text, a number or a truth value for ${JSON.stringify(name)}`, where);
        return [name, String(cell)];
      }),
      where,
    );
  });
}

function fromCsv(text: string): TableRow[] {
  const [header, ...lines] = records(text);
  if (header === undefined || header.cells.length > COLUMNS_MAX || new Set(header.cells).size < header.cells.length)
    throw fault(`expected a header of at most ${COLUMNS_MAX} different columns`, "line 1");
  return lines.map(({ cells, line }) => {
    if (cells.length !== header.cells.length)
      throw fault(`expected ${header.cells.length} columns, found ${cells.length}`, `line ${line}`);
    return rowOf(
      cells.map((cell, i) => [header.cells[i], cell]),
      `line ${line}`,
    );
  });
}

interface CsvRecord {
  readonly cells: string[];
  readonly line: number;
}

const CELL = /"((?:[^"]|"")*)"|([^,"\r\n]*)/y;
const END = /,|\r?\n|$/y;

function records(text: string): CsvRecord[] {
  const found: CsvRecord[] = [];
  let at = text.charCodeAt(0) === 0xfeff ? 1 : 0;
  let line = 1;
  let cells: string[] = [];
  let begun = line;
  while (at < text.length || cells.length > 0) {
    CELL.lastIndex = at;
    const [whole, quoted, plain] = CELL.exec(text)!;
    END.lastIndex = at + whole.length;
    const end = END.exec(text);
    if (!end) throw fault("a quote stands where none may", `line ${line}`);
    cells.push(quoted === undefined ? plain.trim() : quoted.replaceAll('""', '"'));
    for (const letter of whole) if (letter === "\n") line++;
    at = END.lastIndex;
    if (end[0] === ",") continue;
    // Empty lines are none.
    if (cells.length > 1 || cells[0] !== "") found.push({ cells, line: begun });
    if (found.length > ROWS_MAX + 1) throw fault(`it has more than ${ROWS_MAX} rows`, `line ${line}`);
    cells = [];
    line++;
    begun = line;
    if (end[0] === "") break;
  }
  return found;
}

function rowOf(entries: [name: string, cell: string][], where: string): TableRow {
  for (const [name, cell] of entries)
    if (cell.length > VALUE_MAX_CHARACTERS)
      throw fault(`${JSON.stringify(name)} is longer than ${VALUE_MAX_CHARACTERS} characters`, where);
  return Object.fromEntries(entries);
}

function fault(what: string, where: string): AgentError {
  return new AgentError("table_invalid", `the table cannot be read${where === "" ? "" : ` at ${where}`}: ${what}`, { where });
}
