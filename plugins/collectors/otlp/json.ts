import { AgentError } from "all-use-agent/sdk";
import {
  type Attributes,
  type Buckets,
  BUCKETS_MAX,
  type Data,
  DEPTH_MAX,
  type ExponentialPoint,
  type HistogramPoint,
  type Metric,
  type NumberPoint,
  type Part,
  type SummaryPoint,
} from "./model.ts";
import { asText } from "./protobuf-values.ts";

type Json = Readonly<Record<string, unknown>>;

/** All of it is in memory at once, several times its size. */
export const JSON_MAX_BYTES = 16 * 1024 * 1024;

const NAN_WORDS: Readonly<Record<string, number>> = { NaN: NaN, Infinity, "-Infinity": -Infinity };
const TEMPORALITY: Readonly<Record<string, number>> = {
  AGGREGATION_TEMPORALITY_UNSPECIFIED: 0,
  AGGREGATION_TEMPORALITY_DELTA: 1,
  AGGREGATION_TEMPORALITY_CUMULATIVE: 2,
};

/**
 * The same as `protobufParts` of an ExportMetricsServiceRequest in OTLP's JSON: names in lowerCamelCase, 64-bit integers as texts or
 * numbers, unknown names passed over. Throws `otlp_json_invalid` with the JSON pointer.
 */
export function* jsonParts(body: Uint8Array): Generator<Part, void, void> {
  const request = parsed(body);
  for (const [resourceMetrics, where] of list(request, "resourceMetrics", "")) {
    const resource = object(resourceMetrics, "resource", where);
    yield { part: "resource", attributes: attributesOf(resource, `${where}/resource`) };
    for (const [scopeMetrics, scopeWhere] of list(resourceMetrics, "scopeMetrics", where)) {
      const scope = object(scopeMetrics, "scope", scopeWhere);
      const inScope = `${scopeWhere}/scope`;
      yield {
        part: "scope",
        scope: {
          name: text(scope, "name", inScope),
          version: text(scope, "version", inScope),
          attributes: attributesOf(scope, inScope),
        },
      };
      for (const [metric, metricWhere] of list(scopeMetrics, "metrics", scopeWhere))
        yield { part: "metric", metric: metricOf(metric, metricWhere) };
    }
    yield { part: "end" };
  }
}

function parsed(body: Uint8Array): Json {
  if (body.length > JSON_MAX_BYTES)
    throw new AgentError(
      "body_too_large",
      `JSON of more than ${JSON_MAX_BYTES} bytes is not taken: send less at once, or protobuf.`,
    );
  let found: unknown;
  try {
    found = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
  } catch (error) {
    throw fault("", `the body is no JSON: ${(error as Error).message.slice(0, 200)}`);
  }
  if (!isObject(found)) throw fault("", "expected an object with resourceMetrics");
  return found;
}

function metricOf(metric: Json, where: string): Metric {
  return {
    name: text(metric, "name", where),
    description: text(metric, "description", where),
    unit: text(metric, "unit", where),
    data: dataOf(metric, where),
  };
}

function dataOf(metric: Json, where: string): Data | null {
  const read = <T>(name: string, readPoint: (point: Json, where: string) => T) => {
    const data = object(metric, name, where);
    const inData = `${where}/${name}`;
    const given = data["aggregationTemporality"];
    return {
      points: list(data, "dataPoints", inData).map(([point, place]) => readPoint(point, place)),
      temporality: typeof given === "string" && Object.hasOwn(TEMPORALITY, given) ? TEMPORALITY[given] : Number(given ?? 0),
      monotonic: data["isMonotonic"] === true,
    };
  };
  if (metric["gauge"] !== undefined) return { kind: "gauge", points: read("gauge", numberPoint).points };
  if (metric["sum"] !== undefined) return { kind: "sum", ...read("sum", numberPoint) };
  if (metric["histogram"] !== undefined) return { kind: "histogram", ...read("histogram", histogramPoint) };
  if (metric["exponentialHistogram"] !== undefined)
    return { kind: "exponential", ...read("exponentialHistogram", exponentialPoint) };
  if (metric["summary"] !== undefined) return { kind: "summary", points: read("summary", summaryPoint).points };
  return null;
}

function anyPoint(point: Json, where: string) {
  return {
    attributes: attributesOf(point, where),
    startMs: nanos(point, "startTimeUnixNano", where),
    timeMs: nanos(point, "timeUnixNano", where),
    flags: number(point, "flags", where),
  };
}

function numberPoint(point: Json, where: string): NumberPoint {
  const name = point["asInt"] === undefined ? "asDouble" : "asInt";
  return { ...anyPoint(point, where), value: number(point, name, where) };
}

function histogramPoint(point: Json, where: string): HistogramPoint {
  return {
    ...anyPoint(point, where),
    count: number(point, "count", where),
    sum: optional(point, "sum", where),
    bucketCounts: numbers(point, "bucketCounts", where),
    bounds: numbers(point, "explicitBounds", where),
  };
}

function exponentialPoint(point: Json, where: string): ExponentialPoint {
  const buckets = (name: string): Buckets => {
    const given = object(point, name, where);
    return { offset: number(given, "offset", `${where}/${name}`), counts: numbers(given, "bucketCounts", `${where}/${name}`) };
  };
  return {
    ...anyPoint(point, where),
    count: number(point, "count", where),
    sum: optional(point, "sum", where),
    scale: number(point, "scale", where),
    zeroCount: number(point, "zeroCount", where),
    zeroThreshold: number(point, "zeroThreshold", where),
    positive: buckets("positive"),
    negative: buckets("negative"),
  };
}

function summaryPoint(point: Json, where: string): SummaryPoint {
  return {
    ...anyPoint(point, where),
    count: number(point, "count", where),
    sum: number(point, "sum", where),
    quantiles: list(point, "quantileValues", where).map(([one, place]) => [
      number(one, "quantile", place),
      number(one, "value", place),
    ]),
  };
}

function attributesOf(holder: Json, where: string): Attributes {
  return list(holder, "attributes", where).map(([attribute, place]) => [
    text(attribute, "key", place),
    asText(anyValue(attribute["value"], `${place}/value`, 0)),
  ]);
}

function anyValue(value: unknown, where: string, depth: number): unknown {
  if (value === undefined || value === null) return "";
  if (!isObject(value)) throw fault(where, 'expected an object such as {"stringValue": …}');
  if (depth > DEPTH_MAX) throw fault(where, `values stand more than ${DEPTH_MAX} deep in each other`);
  if (value["stringValue"] !== undefined) return text(value, "stringValue", where);
  if (value["boolValue"] !== undefined) return value["boolValue"] === true;
  if (value["intValue"] !== undefined) return number(value, "intValue", where);
  if (value["doubleValue"] !== undefined) return number(value, "doubleValue", where);
  if (value["bytesValue"] !== undefined) return text(value, "bytesValue", where);
  if (value["arrayValue"] !== undefined)
    return list(object(value, "arrayValue", where), "values", `${where}/arrayValue`).map(([one, place]) =>
      anyValue(one, place, depth + 1),
    );
  const entries = list(object(value, "kvlistValue", where), "values", `${where}/kvlistValue`);
  return Object.fromEntries(
    entries.map(([one, place]) => [text(one, "key", place), anyValue(one["value"], `${place}/value`, depth + 1)]),
  );
}

function object(holder: Json, name: string, where: string): Json {
  const value = holder[name] ?? {};
  if (!isObject(value)) throw fault(`${where}/${name}`, "expected an object");
  return value;
}

/** The objects of a list with the place of each; none where there is no list. */
function list(holder: Json, name: string, where: string): [Json, string][] {
  const value = holder[name] ?? [];
  if (!Array.isArray(value)) throw fault(`${where}/${name}`, "expected a list");
  return value.map((one: unknown, i) => {
    const place = `${where}/${name}/${i}`;
    if (!isObject(one)) throw fault(place, "expected an object");
    return [one, place];
  });
}

function text(holder: Json, name: string, where: string): string {
  const value = holder[name] ?? "";
  if (typeof value !== "string") throw fault(`${where}/${name}`, "expected a text");
  return value;
}

function optional(holder: Json, name: string, where: string): number | undefined {
  return holder[name] === undefined || holder[name] === null ? undefined : number(holder, name, where);
}

function number(holder: Json, name: string, where: string): number {
  return numberOf(holder[name] ?? 0, `${where}/${name}`);
}

function numbers(holder: Json, name: string, where: string): number[] {
  const value = holder[name] ?? [];
  if (!Array.isArray(value)) throw fault(`${where}/${name}`, "expected a list of numbers");
  if (value.length > BUCKETS_MAX) throw fault(`${where}/${name}`, `more than ${BUCKETS_MAX} buckets`);
  return value.map((one: unknown, i) => numberOf(one, `${where}/${name}/${i}`));
}

function numberOf(value: unknown, where: string): number {
  if (typeof value === "number") return value;
  if (typeof value === "string") {
    if (Object.hasOwn(NAN_WORDS, value)) return NAN_WORDS[value];
    if (/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(value)) return Number(value);
  }
  throw fault(where, `expected a number, found ${(JSON.stringify(value) ?? "nothing").slice(0, 60)}`);
}

/** Nanoseconds, which a number cannot hold exactly, as whole milliseconds. */
function nanos(holder: Json, name: string, where: string): number {
  const value = holder[name];
  if (typeof value === "string" && /^\d{7,20}$/.test(value)) return Number(value.slice(0, -6));
  return Math.floor(number(holder, name, where) / 1e6);
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function fault(where: string, message: string): AgentError {
  return new AgentError("otlp_json_invalid", `${where === "" ? "/" : where}: ${message}.`, { where: where === "" ? "/" : where });
}
