import { AgentError, type Finding, type Recommendation } from "all-use-agent/sdk";
import { schemaProblems } from "../schema.ts";

const text = { type: "string", maxLength: 4000 };
const time = { type: "number" };
const severity = { enum: ["info", "attention", "critical"] };
const labels = { type: "object", maxProperties: 64, additionalProperties: text };

const evidence = {
  type: "array",
  maxItems: 20,
  items: {
    type: "object",
    required: ["expr", "fromMs", "toMs", "method", "numbers"],
    additionalProperties: false,
    properties: {
      expr: text,
      fromMs: time,
      toMs: time,
      method: text,
      numbers: { type: "object", maxProperties: 64, additionalProperties: { type: "number" } },
    },
  },
};

const findingSchema = {
  type: "object",
  required: ["id", "kind", "metric", "labels", "startMs", "endMs", "score", "severity", "summary", "evidence"],
  additionalProperties: false,
  properties: {
    id: text,
    kind: { enum: ["anomaly", "change", "trend", "pattern", "breach"] },
    source: text,
    metric: text,
    labels,
    startMs: time,
    endMs: { type: ["number", "null"] },
    score: { type: "number", minimum: 0, maximum: 1 },
    severity,
    summary: text,
    evidence,
  },
};

const recommendationSchema = {
  type: "object",
  required: ["key", "severity", "title", "reason", "action", "confidence", "evidence", "expiresMs"],
  additionalProperties: false,
  properties: {
    key: text,
    severity,
    title: text,
    reason: text,
    action: { type: "object", required: ["kind", "text"], additionalProperties: false, properties: { kind: text, text } },
    confidence: { type: "number", minimum: 0, maximum: 1 },
    effect: {
      type: "object",
      required: ["what", "unit", "low", "expected", "high"],
      additionalProperties: false,
      properties: { what: text, unit: text, low: time, expected: time, high: time },
    },
    evidence,
    expiresMs: time,
  },
};

/** What came out of another process is a finding, or this throws `finding_invalid`. */
export function checkedFinding(value: unknown): Finding {
  return checked<Finding>(findingSchema, value, "finding");
}

/** Throws `recommendation_invalid`. */
export function checkedRecommendations(value: unknown): Recommendation[] {
  return checked<Recommendation[]>({ type: "array", maxItems: 100, items: recommendationSchema }, value, "recommendation");
}

function checked<T>(schema: object, value: unknown, what: string): T {
  const [problem] = schemaProblems(schema, value);
  if (problem)
    throw new AgentError(`${what}_invalid`, `a ${what} is not valid at ${problem.where}: ${problem.message}`, {
      where: problem.where,
    });
  return value as T;
}
