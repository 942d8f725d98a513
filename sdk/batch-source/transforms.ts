import { AgentError } from "../errors.ts";
import { compileExpression, expressionColumns } from "./expression.ts";
import { numberOf, textOf } from "./numbers.ts";
import type { TransformConfig } from "./row-config.ts";
import type { Cell } from "./types.ts";

/** Changes a row in place. Returns what is wrong with it, or null. */
export type RowStep = (row: Cell[]) => string | null;

/** The columns of a row and their places. */
export interface Layout {
  /** Throws `batch_columns_missing`. */
  slot(column: string): number;
  /** The same, making room for a column that is not there. */
  make(column: string): number;
  /** All columns that are there. */
  all(): number[];
  rename(from: string, to: string): void;
}

/** The steps of a configuration, in their order. Throws `batch_config_invalid`, `batch_columns_missing`. */
export function compileTransforms(transforms: readonly TransformConfig[], layout: Layout): RowStep[] {
  return transforms.flatMap((transform, i) => {
    const step = compile(transform, layout, `/transforms/${i}`);
    return step === null ? [] : [step];
  });
}

/** The columns that steps read, and those that they make. */
export function transformColumns(transforms: readonly TransformConfig[]): { reads: string[]; makes: string[] } {
  const reads: string[] = [];
  const makes: string[] = [];
  for (const step of transforms) {
    if (step.column !== undefined && !makes.includes(step.column)) reads.push(step.column);
    if (step.expression !== undefined)
      reads.push(...expressionColumns(step.expression).filter((column) => !makes.includes(column)));
    makes.push(...(step.into ?? []), ...(step.to === undefined ? [] : [step.to]));
    for (const entry of Object.values(step.table ?? {})) makes.push(...Object.keys(entry));
  }
  return { reads, makes };
}

function compile(step: TransformConfig, layout: Layout, where: string): RowStep | null {
  const need = (name: "column" | "to" | "into" | "expression" | "separator" | "table"): never => {
    throw new AgentError("batch_config_invalid", `${where}: ${step.do} needs ${name}`, { where });
  };
  const target = (): number => layout.make(step.to ?? step.column ?? need("to"));
  const source = (): number => layout.slot(step.column ?? need("column"));
  switch (step.do) {
    case "trim":
      return onTexts(step, layout, (text) => text.trim());
    case "missing": {
      const texts = new Set(step.texts ?? [""]);
      return onTexts(step, layout, (text) => (texts.has(text) ? null : text));
    }
    case "decimal_comma":
      return onTexts(step, layout, (text) => (/^[-+\d.,\s]*$/.test(text) ? text.replaceAll(".", "").replace(",", ".") : text));
    case "rename":
      layout.rename(step.column ?? need("column"), step.to ?? need("to"));
      return null;
    case "scale":
      return scale(source(), target(), step.factor ?? 1, step.offset ?? 0);
    case "split":
      return split(
        source(),
        step.separator ?? need("separator"),
        (step.into ?? need("into")).map((column) => layout.make(column)),
      );
    case "expression": {
      const calculate = compileExpression(step.expression ?? need("expression"), (column) => layout.slot(column));
      const to = target();
      return (row) => ((row[to] = calculate(row)), null);
    }
    default:
      return lookup(step, source(), layout, step.table ?? need("table"));
  }
}

/** The column, or all of them where none is named. */
function onTexts(step: TransformConfig, layout: Layout, change: (text: string) => Cell): RowStep {
  if (step.column === undefined) {
    const slots = layout.all();
    return (row) => {
      for (const slot of slots) {
        const cell = row[slot];
        if (typeof cell === "string") row[slot] = change(cell);
      }
      return null;
    };
  }
  const from = layout.slot(step.column);
  const to = layout.make(step.to ?? step.column);
  return (row) => {
    const cell = row[from];
    row[to] = typeof cell === "string" ? change(cell) : cell;
    return null;
  };
}

function scale(from: number, to: number, factor: number, offset: number): RowStep {
  return (row) => {
    const value = numberOf(row[from]);
    if (value === undefined) return `${shown(row[from])} is no number that could be scaled`;
    row[to] = value === null ? null : value * factor + offset;
    return null;
  };
}

function split(from: number, separator: string, into: readonly number[]): RowStep {
  return (row) => {
    // What is beyond the last column stays with it.
    const parts = textOf(row[from])?.split(separator) ?? [];
    for (let i = 0; i < into.length; i++) {
      const lastOne = i === into.length - 1;
      row[into[i]] = (lastOne ? (parts.length > i ? parts.slice(i).join(separator) : null) : parts[i]) ?? null;
    }
    return null;
  };
}

function lookup(step: TransformConfig, from: number, layout: Layout, table: NonNullable<TransformConfig["table"]>): RowStep {
  const entries = new Map(Object.entries(table));
  const columns = [...new Set([...entries.values()].flatMap((entry) => Object.keys(entry)))];
  const slots = columns.map((column) => layout.make(column));
  const found = new Map([...entries].map(([key, entry]) => [key, columns.map((column) => entry[column] ?? null)]));
  return (row) => {
    const cells = found.get(textOf(row[from]) ?? "");
    if (cells === undefined && step.unknown === "reject") return `${shown(row[from])} is not in the lookup table`;
    for (let i = 0; i < slots.length; i++) if (cells !== undefined) row[slots[i]] = cells[i];
    return null;
  };
}

/** A cell in a message. */
export function shown(cell: Cell | undefined): string {
  const text = JSON.stringify(cell ?? null);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}
