import { unwrap } from "../ast.ts";
import { NO_LABELS } from "../labels.ts";
import { type Scalar, type Vector } from "../value.ts";
import { argument, type Call, type FunctionSpec } from "./spec.ts";

const DAY_SECONDS = 86_400;

function stepTimes(call: Call): Float64Array {
  const { grid } = call;
  const seconds = new Float64Array(grid.steps);
  for (let i = 0; i < seconds.length; i++) seconds[i] = (grid.startMs + i * grid.stepMs) / 1000;
  return seconds;
}

/** A part of the UTC date of the argument's values (seconds since 1970), by default of the time of evaluation. */
function datePart(name: string, part: (seconds: number) => number): FunctionSpec {
  return {
    name,
    args: ["vector"],
    variadic: 1,
    returns: "vector",
    async evaluate(call) {
      const vector: Vector =
        call.node.args.length === 0
          ? { kind: "vector", sets: [NO_LABELS], steps: call.grid.steps, values: stepTimes(call), present: null }
          : await call.run.vector(argument(call, 0), call.grid);
      const values = new Float64Array(vector.values.length);
      for (let k = 0; k < values.length; k++) {
        const seconds = vector.values[k];
        values[k] = Number.isFinite(seconds) ? part(Math.trunc(seconds)) : Number.NaN;
      }
      return call.run.dropNames({ ...vector, values });
    },
  };
}

function positive(value: number, modulus: number): number {
  return ((value % modulus) + modulus) % modulus;
}

const date = (seconds: number): Date => new Date(seconds * 1000);

function constant(name: string, value: (call: Call) => number): FunctionSpec {
  return {
    name,
    args: [],
    variadic: 0,
    returns: "scalar",
    evaluate: (call): Scalar => ({ kind: "scalar", values: new Float64Array(call.grid.steps).fill(value(call)) }),
  };
}

export const timeFunctions: readonly FunctionSpec[] = [
  {
    name: "time",
    args: [],
    variadic: 0,
    returns: "scalar",
    evaluate: (call): Scalar => ({ kind: "scalar", values: stepTimes(call) }),
  },
  constant("pi", () => Math.PI),
  constant("start", ({ run }) => run.query.startMs / 1000),
  constant("end", ({ run }) => run.queryEndMs / 1000),
  constant("step", ({ run }) => run.query.stepMs / 1000),
  constant("range", ({ run }) => (run.queryEndMs - run.query.startMs) / 1000),
  {
    name: "timestamp",
    args: ["vector"],
    variadic: 0,
    returns: "vector",
    async evaluate(call) {
      const node = unwrap(argument(call, 0));
      if (node.type === "selector" && node.reach === "plain")
        return call.run.dropNames(await call.run.timestamps(node, call.grid));
      const vector = await call.run.vector(node, call.grid);
      const times = stepTimes(call);
      const values = new Float64Array(vector.values.length);
      for (let r = 0; r < vector.sets.length; r++) values.set(times, r * times.length);
      return call.run.dropNames({ ...vector, values });
    },
  },
  datePart("minute", (seconds) => Math.floor(positive(seconds, 3600) / 60)),
  datePart("hour", (seconds) => Math.floor(positive(seconds, DAY_SECONDS) / 3600)),
  datePart("day_of_week", (seconds) => positive(Math.floor(seconds / DAY_SECONDS) + 4, 7)),
  datePart("day_of_month", (seconds) => date(seconds).getUTCDate()),
  datePart("day_of_year", (seconds) => {
    const day = date(seconds);
    return Math.floor((seconds * 1000 - Date.UTC(day.getUTCFullYear(), 0, 1)) / (DAY_SECONDS * 1000)) + 1;
  }),
  datePart("days_in_month", (seconds) => {
    const day = date(seconds);
    return new Date(Date.UTC(day.getUTCFullYear(), day.getUTCMonth() + 1, 0)).getUTCDate();
  }),
  datePart("month", (seconds) => date(seconds).getUTCMonth() + 1),
  datePart("year", (seconds) => date(seconds).getUTCFullYear()),
];
