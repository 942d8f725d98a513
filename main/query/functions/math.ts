import { emptyVector, type Vector } from "../value.ts";
import { argument, type Call, type FunctionSpec } from "./spec.ts";

/** A vector with every point changed; absent points are changed, too, and stay absent. */
function mapped(name: string, compute: (value: number) => number): FunctionSpec {
  return {
    name,
    args: ["vector"],
    variadic: 0,
    returns: "vector",
    async evaluate(call) {
      const vector = await call.run.vector(argument(call, 0), call.grid);
      const { values } = vector;
      const result = new Float64Array(values.length);
      for (let k = 0; k < values.length; k++) result[k] = compute(values[k]);
      return call.run.dropNames({ ...vector, values: result });
    },
  };
}

function sign(value: number): number {
  if (value < 0) return -1;
  return value > 0 ? 1 : value;
}

function clampInto(call: Call, vector: Vector, low: Float64Array | null, high: Float64Array | null): Vector {
  const { values, steps, sets } = vector;
  const result = new Float64Array(values.length);
  for (let r = 0, k = 0; r < sets.length; r++) {
    for (let i = 0; i < steps; i++, k++) {
      let value = values[k];
      // Math.min and Math.max give NaN as soon as one of the two is, as Go's do.
      if (high !== null) value = Math.min(high[i], value);
      if (low !== null) value = Math.max(low[i], value);
      result[k] = value;
    }
  }
  return call.run.dropNames({ ...vector, values: result });
}

async function clamp(call: Call): Promise<Vector> {
  const low = await call.run.scalar(argument(call, 1), call.grid);
  const high = await call.run.scalar(argument(call, 2), call.grid);
  const vector = await call.run.vector(argument(call, 0), call.grid);
  const { steps } = call.grid;
  let empty = 0;
  for (let i = 0; i < steps; i++) if (high[i] < low[i]) empty++;
  if (empty === steps) return emptyVector(steps);
  if (empty === 0) return clampInto(call, vector, low, high);
  const present = vector.present?.slice() ?? new Uint8Array(vector.values.length).fill(1);
  for (let k = 0; k < present.length; k++) if (high[k % steps] < low[k % steps]) present[k] = 0;
  return clampInto(call, { ...vector, present }, low, high);
}

async function round(call: Call): Promise<Vector> {
  const vector = await call.run.vector(argument(call, 0), call.grid);
  const { values, steps, sets } = vector;
  const nearest = call.node.args.length > 1 ? await call.run.scalar(argument(call, 1), call.grid) : null;
  const result = new Float64Array(values.length);
  for (let r = 0, k = 0; r < sets.length; r++) {
    for (let i = 0; i < steps; i++, k++) {
      // Multiplying by the inverse keeps 0.1 and the like exact.
      const inverse = nearest === null ? 1 : 1 / nearest[i];
      result[k] = Math.floor(values[k] * inverse + 0.5) / inverse;
    }
  }
  return call.run.dropNames({ ...vector, values: result });
}

const DEGREES = 180 / Math.PI;

export const mathFunctions: readonly FunctionSpec[] = [
  mapped("abs", Math.abs),
  mapped("ceil", Math.ceil),
  mapped("floor", Math.floor),
  mapped("exp", Math.exp),
  mapped("sqrt", Math.sqrt),
  mapped("ln", Math.log),
  mapped("log2", Math.log2),
  mapped("log10", Math.log10),
  mapped("sgn", sign),
  mapped("sin", Math.sin),
  mapped("cos", Math.cos),
  mapped("tan", Math.tan),
  mapped("asin", Math.asin),
  mapped("acos", Math.acos),
  mapped("atan", Math.atan),
  mapped("sinh", Math.sinh),
  mapped("cosh", Math.cosh),
  mapped("tanh", Math.tanh),
  mapped("asinh", Math.asinh),
  mapped("acosh", Math.acosh),
  mapped("atanh", Math.atanh),
  mapped("rad", (value) => (value * Math.PI) / 180),
  mapped("deg", (value) => value * DEGREES),
  { name: "clamp", args: ["vector", "scalar", "scalar"], variadic: 0, returns: "vector", evaluate: clamp },
  {
    name: "clamp_min",
    args: ["vector", "scalar"],
    variadic: 0,
    returns: "vector",
    async evaluate(call) {
      return clampInto(
        call,
        await call.run.vector(argument(call, 0), call.grid),
        await call.run.scalar(argument(call, 1), call.grid),
        null,
      );
    },
  },
  {
    name: "clamp_max",
    args: ["vector", "scalar"],
    variadic: 0,
    returns: "vector",
    async evaluate(call) {
      return clampInto(
        call,
        await call.run.vector(argument(call, 0), call.grid),
        null,
        await call.run.scalar(argument(call, 1), call.grid),
      );
    },
  },
  { name: "round", args: ["vector", "scalar"], variadic: 1, returns: "vector", evaluate: round },
];
