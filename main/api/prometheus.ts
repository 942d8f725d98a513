import type { Labels, Matcher } from "all-use-agent/sdk";
import { AgentError, seriesKey } from "all-use-agent/sdk";
import { parseSelector, resultJson } from "../query/index.ts";
import { answer, answerJson, JSON_TYPE } from "./answer.ts";
import { readParameters } from "./body.ts";
import { ALL_TIME, metricMetadata } from "./metadata.ts";
import { parameterInvalid, readDuration, readInteger, readTime, requireText, requireTime } from "./parameters.ts";
import type { ParameterNote, Route } from "./routes.ts";
import type { AgentView } from "./view.ts";
import type { Answer, DoorRequest } from "./exchange.ts";

/** The version of Prometheus' HTTP API that these routes follow. Grafana picks its requests by it. */
const API_LIKE_PROMETHEUS = "3.5.0";

const LABEL_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;
const MAX_LIMIT = Number.MAX_SAFE_INTEGER;

const TIME = "Unix seconds with a fraction, or RFC 3339";
const P = {
  query: { name: "query", type: "string", required: true, description: "PromQL" },
  time: { name: "time", type: "string", description: `${TIME}; now when absent` },
  start: { name: "start", type: "string", description: TIME },
  end: { name: "end", type: "string", description: TIME },
  step: { name: "step", type: "string", required: true, description: "Seconds, or a duration such as 1m30s" },
  timeout: { name: "timeout", type: "string", description: "Seconds or a duration; shorter than the agent's own limit" },
  lookback: { name: "lookback_delta", type: "string", description: "Seconds or a duration: how old a sample may be to count" },
  limit: { name: "limit", type: "integer", description: "At most this many entries; 0 for all. A cut answer carries a warning" },
  match: { name: "match[]", type: "string", repeated: true, description: "Series selector" },
  requiredMatch: { name: "match[]", type: "string", required: true, repeated: true, description: "Series selector" },
} as const satisfies Record<string, ParameterNote>;
const REQUIRED = { required: true } as const;

export const PROMETHEUS_ROUTES: readonly Route[] = [
  {
    methods: ["GET", "POST"],
    path: "/api/v1/query",
    summary: "PromQL at one instant",
    parameters: [P.query, P.time, P.timeout, P.lookback, P.limit],
    answers: "resultType and result, as Prometheus",
    async handle(view, { request, url }) {
      const parameters = await readParameters(request, url);
      const expr = requireText(parameters, "query");
      const timeMs = readTime(parameters, "time", view.now());
      return queryAnswer(await view.query.instant(expr, timeMs, queryOptions(parameters, request)), readLimit(parameters));
    },
  },
  {
    methods: ["GET", "POST"],
    path: "/api/v1/query_range",
    summary: "PromQL over a range",
    parameters: [P.query, { ...P.start, ...REQUIRED }, { ...P.end, ...REQUIRED }, P.step, P.timeout, P.lookback, P.limit],
    answers: "resultType and result, as Prometheus",
    async handle(view, { request, url }) {
      const parameters = await readParameters(request, url);
      const expr = requireText(parameters, "query");
      const fromMs = requireTime(parameters, "start");
      const toMs = requireTime(parameters, "end");
      if (toMs < fromMs) throw parameterInvalid("end", "end timestamp must not be before start time");
      const stepMs = readDuration(parameters, "step");
      if (stepMs === null) throw parameterInvalid("step", "it is missing: give seconds or a duration such as 1m30s");
      if (stepMs <= 0) {
        throw parameterInvalid("step", "zero or negative query resolution step widths are not accepted. Try a positive integer");
      }
      return queryAnswer(
        await view.query.range(expr, fromMs, toMs, stepMs, queryOptions(parameters, request)),
        readLimit(parameters),
      );
    },
  },
  {
    methods: ["GET", "POST"],
    path: "/api/v1/format_query",
    summary: "The expression, laid out for reading",
    parameters: [P.query],
    answers: "Text",
    async handle(view, { request, url }) {
      return success(view.query.format(requireText(await readParameters(request, url), "query")));
    },
  },
  {
    methods: ["GET", "POST"],
    path: "/api/v1/series",
    summary: "Label sets of the series that match",
    parameters: [P.requiredMatch, P.start, P.end, P.limit],
    answers: "A list of label sets with __name__",
    async handle(view, { request, url }) {
      const parameters = await readParameters(request, url);
      const selectors = readSelectors(parameters);
      if (selectors.length === 0) throw parameterInvalid("match[]", "no match[] parameter provided");
      const sets = await seriesOf(view, parameters, selectors);
      return limited(
        sets.map(({ name, labels }) => ({ __name__: name, ...labels })),
        readLimit(parameters),
      );
    },
  },
  {
    methods: ["GET", "POST"],
    path: "/api/v1/labels",
    summary: "Names of labels in use",
    parameters: [P.match, P.start, P.end, P.limit],
    answers: "A sorted list of names",
    async handle(view, { request, url }) {
      const parameters = await readParameters(request, url);
      const names = new Set<string>();
      for (const { labels } of await seriesOf(view, parameters, readSelectors(parameters))) {
        names.add("__name__");
        for (const name of Object.keys(labels)) names.add(name);
      }
      return limited([...names].sort(), readLimit(parameters));
    },
  },
  {
    methods: ["GET"],
    path: "/api/v1/label/:name/values",
    summary: "Values of one label",
    parameters: [P.match, P.start, P.end, P.limit],
    answers: "A sorted list of values",
    async handle(view, { url, path }) {
      const label = path.name;
      if (!LABEL_NAME.test(label)) throw parameterInvalid("name", `invalid label name: ${JSON.stringify(label.slice(0, 80))}`);
      const parameters = url.searchParams;
      const values = new Set<string>();
      for (const { name, labels } of await seriesOf(view, parameters, readSelectors(parameters))) {
        const value = label === "__name__" ? name : labels[label];
        if (value !== undefined) values.add(value);
      }
      return limited([...values].sort(), readLimit(parameters));
    },
  },
  {
    methods: ["GET"],
    path: "/api/v1/metadata",
    summary: "Type, unit and help of metrics, from the plugins' manifests",
    parameters: [
      { name: "metric", type: "string", description: "Only this one" },
      P.limit,
      { name: "limit_per_metric", type: "integer", description: "Taken for Prometheus' sake: there is one entry a metric" },
    ],
    answers: "Lists of type, help and unit by metric",
    async handle(view, { url }) {
      const wanted = url.searchParams.get("metric");
      return success(await metricMetadata(view, wanted === "" ? null : wanted, readLimit(url.searchParams)));
    },
  },
  {
    methods: ["GET"],
    path: "/api/v1/status/buildinfo",
    summary: "The version of Prometheus' API that is followed, and the agent's own",
    answers: "version, revision, branch, buildUser, buildDate, goVersion",
    handle: (view) =>
      success({
        version: API_LIKE_PROMETHEUS,
        revision: `all-use-agent ${view.status().version}`,
        branch: "",
        buildUser: "",
        buildDate: "",
        goVersion: "",
      }),
  },
  {
    methods: ["POST"],
    path: "/api/v1/admin/seal",
    summary: "Flushes and compacts now",
    answers: "Nothing more than success, when it is done",
    async handle(view) {
      await view.storage().seal();
      return answer(200, JSON_TYPE, '{"status":"success"}');
    },
  },
  {
    methods: ["POST", "PUT"],
    path: "/api/v1/admin/tsdb/delete_series",
    summary: "Forgets matching samples for good",
    parameters: [P.requiredMatch, P.start, P.end],
    answers: "204, when it is done",
    async handle(view, { request, url }) {
      const parameters = await readParameters(request, url);
      const selectors = readSelectors(parameters);
      if (selectors.length === 0) throw parameterInvalid("match[]", "no match[] parameter provided");
      const { fromMs, toMs } = readRange(parameters);
      for (const matchers of selectors) await view.storage().deleteSeries(matchers, fromMs, toMs);
      return answer(204, null, null);
    },
  },
];

function queryOptions(
  parameters: URLSearchParams,
  request: DoorRequest,
): { signal: AbortSignal; lookbackMs?: number; timeoutMs?: number } {
  const lookbackMs = readDuration(parameters, "lookback_delta");
  const timeoutMs = readDuration(parameters, "timeout");
  return { signal: request.signal, ...(lookbackMs !== null && { lookbackMs }), ...(timeoutMs !== null && { timeoutMs }) };
}

function readLimit(parameters: URLSearchParams): number {
  const limit = readInteger(parameters, "limit", 0, 0, MAX_LIMIT);
  return limit === 0 ? MAX_LIMIT : limit;
}

function readSelectors(parameters: URLSearchParams): Matcher[][] {
  return parameters.getAll("match[]").map((text) => {
    try {
      return parseSelector(text);
    } catch (error) {
      throw error instanceof AgentError ? parameterInvalid("match[]", error.message) : error;
    }
  });
}

function readRange(parameters: URLSearchParams): { fromMs: number; toMs: number } {
  const fromMs = readTime(parameters, "start", ALL_TIME.fromMs);
  const toMs = readTime(parameters, "end", ALL_TIME.toMs);
  if (toMs < fromMs) throw parameterInvalid("end", "end timestamp must not be before start time");
  return { fromMs, toMs };
}

/** Series that match any of the selectors, each once; all series without a selector. */
async function seriesOf(
  view: AgentView,
  parameters: URLSearchParams,
  selectors: readonly Matcher[][],
): Promise<{ name: string; labels: Labels }[]> {
  const { fromMs, toMs } = readRange(parameters);
  const storage = view.storage();
  if (selectors.length === 0) return storage.series([], fromMs, toMs);
  if (selectors.length === 1) return storage.series(selectors[0], fromMs, toMs);
  const found = new Map<string, { name: string; labels: Labels }>();
  for (const matchers of selectors) {
    for (const series of await storage.series(matchers, fromMs, toMs)) found.set(seriesKey(series.name, series.labels), series);
  }
  return [...found.values()];
}

type QueryResult = Awaited<ReturnType<AgentView["query"]["instant"]>>;

function queryAnswer(whole: QueryResult, limit: number): Answer {
  const result = cut(whole, limit);
  const warnings = result === whole ? whole.warnings : [...whole.warnings, CUT];
  const { infos } = whole;
  const notes = `${warnings.length > 0 ? `,"warnings":${JSON.stringify(warnings)}` : ""}${infos.length > 0 ? `,"infos":${JSON.stringify(infos)}` : ""}`;
  return answer(200, JSON_TYPE, `{"status":"success","data":${resultJson(result)}${notes}}`);
}

function cut(result: QueryResult, limit: number): QueryResult {
  if (result.type === "vector" && result.rows.length > limit) return { ...result, rows: result.rows.slice(0, limit) };
  if (result.type === "matrix" && result.series.length > limit) return { ...result, series: result.series.slice(0, limit) };
  return result;
}

const CUT = "results truncated due to limit";

function success(data: unknown): Answer {
  return answerJson(200, { status: "success", data });
}

function limited(entries: readonly unknown[], limit: number): Answer {
  if (entries.length <= limit) return success(entries);
  return answerJson(200, { status: "success", data: entries.slice(0, limit), warnings: [CUT] });
}
