import { AgentError } from "all-use-agent/sdk";
import { parseDuration } from "../query/index.ts";

/** Numbers from here on are Unix milliseconds where the agent's own routes take either: as seconds it is the year 5138. */
const FIRST_MILLISECONDS = 1e11;

const RFC3339 = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/;
const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;

export function parameterInvalid(name: string, problem: string): AgentError {
  return new AgentError("parameter_invalid", `invalid parameter "${name}": ${problem}`, { where: name });
}

/** Unix seconds with a fraction, or RFC 3339, as Unix ms; null when it is neither. */
function timeMs(text: string): number | null {
  if (DECIMAL.test(text)) {
    const ms = Math.round(Number(text) * 1000);
    return Number.isFinite(ms) ? ms : null;
  }
  if (!RFC3339.test(text)) return null;
  const ms = Date.parse(text.replace(" ", "T"));
  return Number.isNaN(ms) ? null : ms;
}

/** A time as Prometheus takes it, or the default where it is absent. */
export function readTime(parameters: URLSearchParams, name: string, absentMs: number): number {
  const text = parameters.get(name);
  if (text === null || text === "") return absentMs;
  const ms = timeMs(text);
  if (ms === null)
    throw parameterInvalid(name, `cannot parse ${quote(text)} to a valid timestamp: give Unix seconds or RFC 3339`);
  return ms;
}

export function requireTime(parameters: URLSearchParams, name: string): number {
  if (!parameters.get(name)) throw parameterInvalid(name, "it is missing: give Unix seconds or RFC 3339");
  return readTime(parameters, name, 0);
}

/** A time of the agent's own routes: also Unix milliseconds, told from seconds by their size. */
export function readAgentTime(parameters: URLSearchParams, name: string, absentMs: number): number {
  const text = parameters.get(name);
  if (text !== null && DECIMAL.test(text) && Math.abs(Number(text)) >= FIRST_MILLISECONDS) return Math.round(Number(text));
  return readTime(parameters, name, absentMs);
}

/** Seconds with a fraction, or a Prometheus duration such as `1h30m`, as ms; null where it is absent. */
export function readDuration(parameters: URLSearchParams, name: string): number | null {
  const text = parameters.get(name);
  if (text === null || text === "") return null;
  if (DECIMAL.test(text)) {
    const ms = Math.round(Number(text) * 1000);
    if (Number.isSafeInteger(ms)) return ms;
  } else {
    try {
      return parseDuration(text);
    } catch {
      // Said below in the words that fit a parameter.
    }
  }
  throw parameterInvalid(name, `cannot parse ${quote(text)} to a valid duration: give seconds or a duration such as 1h30m`);
}

/** A whole number within bounds, or the default where it is absent. */
export function readInteger(parameters: URLSearchParams, name: string, absent: number, min: number, max: number): number {
  const text = parameters.get(name);
  if (text === null || text === "") return absent;
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < min || value > max) {
    throw parameterInvalid(name, `expected a whole number from ${min} to ${max}, found ${quote(text)}`);
  }
  return value;
}

export function requireText(parameters: URLSearchParams, name: string): string {
  const text = parameters.get(name);
  if (text === null || text === "") throw parameterInvalid(name, "it is missing");
  return text;
}

function quote(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}
