/** PromQL over whatever series store serves. */
export { parseDuration } from "./duration.ts";
export { type EngineOptions, QueryEngine, type QueryOptions } from "./engine.ts";
export { positionOf, type QueryErrorCode } from "./errors.ts";
export type { QuerySource } from "./evaluate.ts";
export { resultJson, resultJsonParts } from "./json.ts";
export { DEFAULT_LIMITS, type QueryLimits } from "./limits.ts";
export { formatFloat, formatSample } from "./number.ts";
export { parseSelector } from "./parse.ts";
export type { QueryResult, ResultRow, ResultSeries } from "./result.ts";
export { STALE_NAN } from "./stale.ts";
export type { ValueType } from "./ast.ts";
