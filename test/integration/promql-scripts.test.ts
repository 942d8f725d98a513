/**
 * Prometheus' own PromQL test scripts (the developer half), in process. Left out are the evals that need native
 * histograms, which the agent does not store; everything else, experimental features included, is expected to pass.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { runScript } from "../support/promql-runner.ts";

const folder = join(import.meta.dirname, "../../../shared/data/promql");

/** Evals that pass, and those that need native histograms; with delayed name removal, as the scripts assume. */
const SCRIPTS: Readonly<Record<string, readonly [passed: number, skipped: number]>> = {
  "aggregators.test": [125, 35],
  "duration_expression.test": [59, 0],
  "extended_vectors.test": [120, 49],
  "literals.test": [25, 0],
  "name_label_dropping.test": [30, 0],
  "operators.test": [142, 72],
  "selectors.test": [31, 0],
  "staleness.test": [17, 0],
  "subquery.test": [32, 2],
  "type_and_unit.test": [58, 0],
};

/** As Prometheus behaves without its feature flag, which is the engine's default. */
const WITHOUT_DELAYED_REMOVAL: Readonly<Record<string, number>> = { "name_label_dropping.test": 22, "type_and_unit.test": 54 };

describe.skipIf(!existsSync(folder))(`PromQL scripts (skipped without ${folder})`, () => {
  for (const [file, [passed, skipped]] of Object.entries(SCRIPTS)) {
    test(file, async () => {
      const report = await runScript(readFileSync(join(folder, file), "utf8"), { delayedNameRemoval: true });
      expect(report.failures).toEqual([]);
      expect(report.passed).toBeGreaterThanOrEqual(passed);
      expect(report.skipped).toBeLessThanOrEqual(skipped);
    });

    test(`${file} with names removed at once`, async () => {
      const report = await runScript(readFileSync(join(folder, file), "utf8"));
      expect(report.passed, JSON.stringify(report.failures, null, 1)).toBeGreaterThanOrEqual(
        WITHOUT_DELAYED_REMOVAL[file] ?? passed,
      );
    });
  }
});
