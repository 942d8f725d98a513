import { absentFunctions } from "./absent.ts";
import { histogramFunctions } from "./histogram.ts";
import { infoFunctions } from "./info.ts";
import { labelFunctions } from "./labels.ts";
import { mathFunctions } from "./math.ts";
import { overTimeFunctions } from "./over_time.ts";
import { rateFunctions } from "./rate.ts";
import { regressionFunctions } from "./regression.ts";
import { sortFunctions } from "./sort.ts";
import type { FunctionSpec } from "./spec.ts";
import { timeFunctions } from "./time.ts";

const byName = new Map<string, FunctionSpec>();
for (const family of [
  absentFunctions,
  histogramFunctions,
  infoFunctions,
  labelFunctions,
  mathFunctions,
  overTimeFunctions,
  rateFunctions,
  regressionFunctions,
  sortFunctions,
  timeFunctions,
]) {
  for (const spec of family) byName.set(spec.name, spec);
}

export function functionNamed(name: string): FunctionSpec | undefined {
  return byName.get(name);
}

export type { FunctionSpec } from "./spec.ts";
