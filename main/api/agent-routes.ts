import { answerJson } from "./answer.ts";
import { checkedBody } from "./body.ts";
import { parameterInvalid, readAgentTime, readInteger, requireText } from "./parameters.ts";
import { PLUGIN_LOG_ROUTE } from "./plugin-log-route.ts";
import type { ParameterNote, Route } from "./routes.ts";
import type { LiveStream } from "./stream.ts";

const DAY_MS = 86_400_000;
const MAX_FINDINGS = 5000;
const MAX_HORIZON_MS = 366 * DAY_MS;
const MAX_FORECAST_STEPS = 2000;

const TIME = "RFC 3339, Unix seconds, or Unix milliseconds (numbers from 10^11 on)";
export const FROM: ParameterNote = { name: "from", type: "string", description: `${TIME}; a day ago when absent` };
export const TO: ParameterNote = { name: "to", type: "string", description: `${TIME}; now when absent` };

/** What stands under `/api/agent`; the shapes are those of sdk/wire.ts. */
export function agentRoutes(stream: LiveStream): readonly Route[] {
  return [
    {
      methods: ["GET"],
      path: "/api/agent/status",
      summary: "What runs, what it costs, what is wrong",
      answers: "AgentStatus",
      handle: (view) => answerJson(200, view.status()),
    },
    {
      methods: ["GET"],
      path: "/api/agent/plugins",
      summary: "Every plugin with its state, reason and cost",
      answers: "{plugins: PluginReport[]}",
      handle: (view) => answerJson(200, { plugins: view.plugins() }),
    },
    PLUGIN_LOG_ROUTE,
    {
      methods: ["GET"],
      path: "/api/agent/panels",
      summary: "The charts that plugins declare",
      answers: "{panels: PanelReport[]}",
      handle: (view) => answerJson(200, { panels: view.panels() }),
    },
    {
      methods: ["GET"],
      path: "/api/agent/recommendations",
      summary: "Recommendations, open ones first, most urgent first",
      answers: "{recommendations: RecommendationReport[]}",
      handle: async (view) => answerJson(200, { recommendations: await view.recommendations() }),
    },
    {
      methods: ["POST"],
      path: "/api/agent/recommendations/:id/dismiss",
      summary: "Dismisses a recommendation",
      body: {
        type: "object",
        required: ["reason"],
        additionalProperties: false,
        properties: { reason: { type: "string", minLength: 1, maxLength: 500, description: "Why, in the operator's words." } },
      },
      answers: "RecommendationReport as it stands afterwards",
      async handle(view, { request, path }) {
        const { reason } = await checkedBody<{ reason: string }>(request, this.body);
        return answerJson(200, await view.dismiss(path.id, reason));
      },
    },
    {
      methods: ["GET"],
      path: "/api/agent/findings",
      summary: "What analytics noticed, newest first",
      parameters: [
        FROM,
        TO,
        { name: "limit", type: "integer", description: `At most this many, 1 to ${MAX_FINDINGS}; 500 when absent` },
      ],
      answers: "{findings: FindingReport[]}",
      async handle(view, { url }) {
        const { fromMs, toMs } = readRange(url.searchParams, view.now());
        const limit = readInteger(url.searchParams, "limit", 500, 1, MAX_FINDINGS);
        return answerJson(200, { findings: await view.findings(fromMs, toMs, limit) });
      },
    },
    {
      methods: ["GET"],
      path: "/api/agent/gaps",
      summary: "Times without samples, and why",
      parameters: [FROM, TO],
      answers: "{gaps: GapReport[]}",
      handle(view, { url }) {
        const { fromMs, toMs } = readRange(url.searchParams, view.now());
        return answerJson(200, { gaps: view.gaps(fromMs, toMs) });
      },
    },
    {
      methods: ["GET"],
      path: "/api/agent/forecast",
      summary: "What comes next for each series of an expression",
      parameters: [
        { name: "query", type: "string", required: true, description: "PromQL" },
        { name: "horizon_ms", type: "integer", required: true, description: "How far ahead, at most a year" },
        {
          name: "step_ms",
          type: "integer",
          required: true,
          description: `Between two points; at most ${MAX_FORECAST_STEPS} points`,
        },
      ],
      answers: "ForecastReport",
      async handle(view, { request, url }) {
        const parameters = url.searchParams;
        const expr = requireText(parameters, "query");
        requireText(parameters, "horizon_ms");
        requireText(parameters, "step_ms");
        const horizonMs = readInteger(parameters, "horizon_ms", 0, 1, MAX_HORIZON_MS);
        const stepMs = readInteger(parameters, "step_ms", 0, 1, MAX_HORIZON_MS);
        if (horizonMs / stepMs > MAX_FORECAST_STEPS) {
          throw parameterInvalid("step_ms", `the horizon holds more than ${MAX_FORECAST_STEPS} steps: give a longer step`);
        }
        return answerJson(200, await view.forecast(expr, horizonMs, stepMs, request.signal));
      },
    },
    {
      methods: ["GET"],
      path: "/api/agent/stream",
      summary: "Server-sent events: tick, finding, recommendation, plugins; Last-Event-ID resumes",
      answers: "text/event-stream of StreamEvents",
      handle: (_view, { request }) => stream.open(request),
    },
    {
      methods: ["POST"],
      path: "/api/agent/clock",
      summary: "Moves a simulated clock forward and waits for what became due",
      body: {
        type: "object",
        required: ["advance_ms"],
        additionalProperties: false,
        properties: { advance_ms: { type: "integer", minimum: 1, maximum: 366 * DAY_MS } },
      },
      answers: "{nowMs}",
      async handle(view, { request }) {
        const { advance_ms: advanceMs } = await checkedBody<{ advance_ms: number }>(request, this.body);
        await view.advanceClock(advanceMs);
        return answerJson(200, { nowMs: view.now() });
      },
    },
  ];
}

export function readRange(parameters: URLSearchParams, nowMs: number): { fromMs: number; toMs: number } {
  const toMs = readAgentTime(parameters, "to", nowMs);
  const fromMs = readAgentTime(parameters, "from", toMs - DAY_MS);
  if (toMs < fromMs) throw parameterInvalid("to", "it must not be before from");
  return { fromMs, toMs };
}
