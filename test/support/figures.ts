import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const folder = join(import.meta.dirname, "../../test-results");
const file = join(folder, "figures.json");

/**
 * Notes a measured figure in `test-results/figures.json`; `npm test` prints them at its end. Speed and memory depend on
 * the machine and its neighbours: a test asserts what is broken on any machine, and notes the rest.
 */
export function recordFigure(name: string, value: number, unit: string): void {
  mkdirSync(folder, { recursive: true });
  const figures = existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Record<string, unknown>) : {};
  figures[name] = { value: Number(value.toPrecision(4)), unit };
  writeFileSync(file, `${JSON.stringify(figures, null, 2)}\n`);
}

/** The value below which the share `p` (0..1) of the values lies, by nearest rank. */
export function quantile(values: readonly number[], p: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(p * sorted.length) - 1)] ?? Number.NaN;
}
