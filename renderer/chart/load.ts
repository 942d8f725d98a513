import type { ForecastReport, GapReport } from "all-use-agent/sdk";
import { getJson, queryRange } from "../state/api.ts";
import { keyOf, type LoadedSeries } from "./columns.ts";
import type { ChartModel } from "./model.ts";
import type { Cone, NamedSpan, Span } from "./scene.ts";

/** A PromQL string: its escapes are those of JSON for all that a label may hold. */
const quote = (text: string): string => JSON.stringify(text);

/**
 * A value counts for a grid point only if it was measured within the step before it (or 3 s, over a tick's jitter). A bare
 * selector would reach back five minutes and draw a line through a pause.
 */
const REACH_MIN_S = 3;

export const panelSelector = (panel: string): string => `alluse_panel_value{panel=${quote(panel)}}`;

/** Bands are recorded every 10 s and the usual does not pause: a bare selector carries them on. */
const bandSelector = (valueSelector: string): string =>
  valueSelector.replace(/^alluse_panel_value\{/, '{__name__=~"alluse_usual_low|alluse_usual_high",');

/** Whether the expression shows a recorded panel, for which a band is learnt. */
export const isPanelSelector = (expr: string): boolean => /^alluse_panel_value\{[^{}]*\}$/.test(expr);

/** Reads a line's past and its band into the model. Throws `ApiError`. */
export async function loadHistory(
  model: ChartModel,
  expr: string,
  window: Span,
  stepMs: number,
  signal: AbortSignal,
): Promise<void> {
  const fromMs = Math.floor(window.fromMs / stepMs) * stepMs;
  const toMs = Math.max(fromMs, Math.floor(window.toMs / stepMs) * stepMs);
  const learnt = isPanelSelector(expr);
  const reach = Math.max(REACH_MIN_S, stepMs / 1000);
  const [values, bands] = await Promise.all([
    queryRange(learnt ? `last_over_time(${expr}[${reach}s])` : expr, fromMs, toMs, stepMs, signal),
    learnt ? queryRange(bandSelector(expr), fromMs, toMs, stepMs, signal) : [],
  ]);
  const series: LoadedSeries[] = values.map((one) => ({ ...one, part: "value" }));
  for (const one of bands) series.push({ ...one, part: one.metric.__name__ === "alluse_usual_low" ? "low" : "high" });
  model.columns.load(series, fromMs, toMs, stepMs);
}

/** Points of a cone: enough to be smooth at any width. */
const CONE_POINTS = 40;

/** Reads what comes next for one line; null when there is too little to say. Throws `ApiError`. */
export async function loadCone(
  expr: string,
  labels: Readonly<Record<string, string>> | null,
  horizonMs: number,
  signal: AbortSignal,
): Promise<Cone | null> {
  const stepMs = Math.max(1000, Math.round(horizonMs / CONE_POINTS / 1000) * 1000);
  const query = new URLSearchParams({
    query: expr,
    horizon_ms: String(Math.ceil(horizonMs / stepMs) * stepMs),
    step_ms: String(stepMs),
  });
  const { series } = await getJson<ForecastReport>(`/api/agent/forecast?${query}`, signal);
  const one = labels ? series.find((candidate) => keyOf(candidate.labels) === keyOf(labels)) : series[0];
  if (!one || one.expected.length === 0) return null;
  return {
    x: Float64Array.from(one.expected, (_, i) => one.firstMs + i * one.stepMs),
    expected: Float64Array.from(one.expected),
    low: Float64Array.from(one.low),
    high: Float64Array.from(one.high),
  };
}

/** A panel's expression narrowed to one of its lines. */
export function lineSelector(panel: string, labels: Readonly<Record<string, string>>): string {
  const matchers = Object.entries(labels).map(([name, value]) => `${name}=${quote(value)}`);
  return `alluse_panel_value{${[`panel=${quote(panel)}`, ...matchers].join(",")}}`;
}

/** All charts of a page ask for the same stretch within moments: one answer serves them. */
const GAPS_FRESH_MS = 2000;
let asked: { readonly span: Span; readonly atMs: number; readonly answer: Promise<readonly NamedSpan[]> } | null = null;

/** The recorded pauses of a stretch. Throws `ApiError`. */
export function loadGaps(window: Span): Promise<readonly NamedSpan[]> {
  const fresh =
    asked && performance.now() - asked.atMs < GAPS_FRESH_MS && Math.abs(asked.span.fromMs - window.fromMs) < GAPS_FRESH_MS;
  if (fresh && Math.abs(asked!.span.toMs - window.toMs) < GAPS_FRESH_MS) return asked!.answer;
  const path = `/api/agent/gaps?from=${Math.floor(window.fromMs)}&to=${Math.ceil(window.toMs)}`;
  const answer = getJson<{ gaps: readonly GapReport[] }>(path).then(({ gaps }) =>
    gaps.map(({ fromMs, toMs, reason }) => ({ fromMs, toMs, word: reason })),
  );
  asked = { span: window, atMs: performance.now(), answer };
  return answer;
}
