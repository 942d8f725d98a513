import type { Cell } from "./types.ts";

const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const NUMBER_MAX_CHARACTERS = 400;

/** A cell as a number: null where it is missing (nothing, blank, NaN), undefined for what is no number. Yes is 1 and no is 0. */
export function numberOf(cell: Cell): number | null | undefined {
  if (typeof cell === "number") return Number.isNaN(cell) ? null : cell;
  if (cell === null) return null;
  if (typeof cell === "boolean") return cell ? 1 : 0;
  if (cell.length > NUMBER_MAX_CHARACTERS) return undefined;
  if (NUMBER.test(cell)) return Number(cell);
  const text = cell.trim();
  if (text === "" || /^[+-]?nan$/i.test(text)) return null;
  if (NUMBER.test(text)) return Number(text);
  if (/^true$/i.test(text)) return 1;
  if (/^false$/i.test(text)) return 0;
  return /^[+-]?inf(inity)?$/i.test(text) ? (text.startsWith("-") ? -Infinity : Infinity) : undefined;
}

/** A cell as text, null where it is missing. */
export function textOf(cell: Cell): string | null {
  return cell === null || typeof cell === "string" ? cell : String(cell);
}
