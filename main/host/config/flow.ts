import { AgentError, quantityOf, readQuantity } from "all-use-agent/sdk";

const DELAY_MAX_MS = 10_000;
const BACK_AFTER_MAX_MS = 3_600_000;

const duration = {
  oneOf: [
    { type: "number", minimum: 0 },
    { type: "string", minLength: 1 },
  ],
} as const;

/** JSON Schema of `flow` in `config.json`. Durations are text such as "100ms", or milliseconds. */
export const flowSchema = {
  type: "object",
  additionalProperties: false,
  properties: {
    mode: { enum: ["hybrid", "real_time", "micro_batch"] },
    batch: {
      type: "object",
      additionalProperties: false,
      properties: { rows: { type: "integer", minimum: 1, maximum: 1_000_000 }, delay: duration },
    },
    switch: {
      type: "object",
      additionalProperties: false,
      properties: {
        emissions_per_second: { type: "number", exclusiveMinimum: 0 },
        busy_percent: { type: "number", exclusiveMinimum: 0 },
        back_after: duration,
      },
    },
  },
} as const;

/** As the operator writes it. */
export interface FlowConfig {
  readonly mode?: "hybrid" | "real_time" | "micro_batch";
  readonly batch?: { readonly rows?: number; readonly delay?: number | string };
  readonly switch?: {
    readonly emissions_per_second?: number;
    readonly busy_percent?: number;
    readonly back_after?: number | string;
  };
}

/** What is given, in the units of code; what is not given is missing. Throws `config_invalid`. */
export function readFlow({ mode, batch = {}, switch: limits = {} }: FlowConfig) {
  const delayMs = durationMs(batch.delay, DELAY_MAX_MS, "/flow/batch/delay");
  const backAfterMs = durationMs(limits.back_after, BACK_AFTER_MAX_MS, "/flow/switch/back_after");
  return {
    ...(mode === undefined ? {} : { mode }),
    batch: { ...(batch.rows === undefined ? {} : { rows: batch.rows }), ...(delayMs === undefined ? {} : { delayMs }) },
    switch: {
      ...(limits.emissions_per_second === undefined ? {} : { emissionsPerSecond: limits.emissions_per_second }),
      ...(limits.busy_percent === undefined ? {} : { busyPercent: limits.busy_percent }),
      ...(backAfterMs === undefined ? {} : { backAfterMs }),
    },
  };
}

function durationMs(value: number | string | undefined, maxMs: number, where: string): number | undefined {
  if (value === undefined) return undefined;
  const read = readQuantity(quantityOf("ms", "duration")!, value);
  if (read !== null && read <= maxMs) return read;
  throw new AgentError(
    "config_invalid",
    `${where} must be a duration of at most ${maxMs} ms such as "100ms", found ${JSON.stringify(value)}`,
    { where },
  );
}
