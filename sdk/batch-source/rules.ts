import { AgentError, errorText } from "../errors.ts";
import { compileRegex } from "../regex/index.ts";
import { numberOf, textOf } from "./numbers.ts";
import type { RuleConfig } from "./row-config.ts";
import type { TimeReader } from "./time-format.ts";
import { type Layout, type RowStep, shown } from "./transforms.ts";
import type { Cell } from "./types.ts";

const TRUTHS = new Set(["true", "false", "0", "1", "yes", "no"]);

/** Checks of cells, one a rule. Throws `batch_config_invalid`, `batch_columns_missing`. */
export function compileRules(rules: readonly RuleConfig[], layout: Layout, time: TimeReader): RowStep[] {
  return rules.map((rule, i) => {
    const slot = layout.slot(rule.column);
    const checks = checksOf(rule, time, `/rules/${i}`);
    return (row) => {
      const cell = row[slot] ?? null;
      if (cell === null || cell === "") return rule.required === true ? `${rule.column} is missing` : null;
      for (const check of checks) {
        const fault = check(cell);
        if (fault !== null) return `${rule.column}: ${fault}, found ${shown(cell)}`;
      }
      return null;
    };
  });
}

type Check = (cell: Cell) => string | null;

function checksOf(rule: RuleConfig, time: TimeReader, where: string): Check[] {
  const { type, minimum, maximum, pattern, enum: allowed } = rule;
  const checks: Check[] = [];
  const add = (holds: (cell: Cell) => boolean, expected: string): void =>
    void checks.push((cell) => (holds(cell) ? null : `expected ${expected}`));
  if (type === "number") add((cell) => typeof numberOf(cell) === "number", "a number");
  if (type === "integer") add((cell) => Number.isInteger(numberOf(cell)), "a whole number");
  if (type === "text") add((cell) => typeof cell === "string", "text");
  if (type === "boolean") add((cell) => typeof cell === "boolean" || TRUTHS.has(String(cell).toLowerCase()), "true or false");
  if (type === "time") add((cell) => !Number.isNaN(time(cell)), "a time");
  if (minimum !== undefined) add((cell) => (numberOf(cell) ?? NaN) >= minimum, `at least ${minimum}`);
  if (maximum !== undefined) add((cell) => (numberOf(cell) ?? NaN) <= maximum, `at most ${maximum}`);
  if (allowed !== undefined) add((cell) => allowed.includes(textOf(cell) ?? ""), `one of ${allowed.join(", ").slice(0, 200)}`);
  if (pattern !== undefined) {
    const expression = regexOf(pattern, where);
    add((cell) => expression.test(textOf(cell) ?? ""), `text like ${pattern}`);
  }
  return checks;
}

function regexOf(pattern: string, where: string) {
  try {
    return compileRegex(pattern);
  } catch (error) {
    throw new AgentError("batch_config_invalid", `${where}/pattern: ${errorText(error)}`, { where, cause: error });
  }
}
