import { AgentError } from "all-use-agent/sdk";

/**
 * The codes that the query room throws, and the status with which Prometheus answers them.
 *
 * query_parse          400  the text is not PromQL, or a regular expression in it is not RE2
 * query_type           400  it is PromQL, but an operand or argument has the wrong type
 * query_limit_steps    400  more points a series than allowed
 * query_execution      422  it cannot be evaluated on this data (many-to-many matching, equal label sets)
 * query_limit_samples  422  more samples than allowed
 * query_limit_series   422  more series than allowed
 * query_timeout        503  it took too long
 * query_canceled       503  the asker went away
 */
export type QueryErrorCode =
  | "query_parse"
  | "query_type"
  | "query_limit_steps"
  | "query_execution"
  | "query_limit_samples"
  | "query_limit_series"
  | "query_timeout"
  | "query_canceled";

/** `line:column` of an offset, both from 1, as Prometheus counts them. */
export function positionOf(text: string, offset: number): string {
  let line = 1;
  let lineStart = 0;
  const end = Math.min(offset, text.length);
  for (let i = text.indexOf("\n"); i >= 0 && i < end; i = text.indexOf("\n", i + 1)) {
    line++;
    lineStart = i + 1;
  }
  return `${line}:${end - lineStart + 1}`;
}

export function parseError(text: string, offset: number, message: string): AgentError {
  const where = positionOf(text, offset);
  return new AgentError("query_parse", `${where}: parse error: ${message}`, { where });
}

export function typeError(text: string, offset: number, message: string): AgentError {
  const where = positionOf(text, offset);
  return new AgentError("query_type", `${where}: parse error: ${message}`, { where });
}

export function executionError(message: string): AgentError {
  return new AgentError("query_execution", message);
}
