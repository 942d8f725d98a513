import type { Evidence, PanelReport, RecommendationReport } from "all-use-agent/sdk";
import { formatMoment, formatName, formatQuantity, splitUnit } from "../format.ts";
import { words } from "../words.ts";
import { isPanelSelector } from "./load.ts";
import type { Limit, Span } from "./scene.ts";

/** What an evidence chart shows, read out of the claim itself. */

/** The panel that an expression shows, or null. */
function panelOf(expr: string, panels: readonly PanelReport[]): PanelReport | null {
  const name = isPanelSelector(expr) ? /panel="((?:[^"\\]|\\.)*)"/.exec(expr)?.[1] : undefined;
  return panels.find((panel) => panel.panel === name) ?? null;
}

/** A metric's name in an expression: a word before `{` or `[`, or the whole. */
function metricOf(expr: string): string | null {
  return /([a-zA-Z_:][a-zA-Z0-9_:]*)\s*[{[]/.exec(expr)?.[1] ?? /^[a-zA-Z_:][a-zA-Z0-9_:]*$/.exec(expr.trim())?.[0] ?? null;
}

/** One metric, with or without matchers, nothing done to it. */
const PLAIN = /^[a-zA-Z_:][a-zA-Z0-9_:]*\s*(\{[^{}]*\})?$/;

/** Figures that are values of the series itself, whose unit is therefore the series'. */
const OWN_VALUE = /^(newest|last|mean|value|limit|threshold|usual)(_|$)/;

/** The unit of an evidence's series: by its panel, by its metric's name, or by the figures given with it; empty when it cannot be told. */
export function unitOf(evidence: Evidence, panels: readonly PanelReport[]): string {
  const panel = panelOf(evidence.expr, panels);
  if (panel) return panel.unit;
  if (PLAIN.test(evidence.expr.trim())) return splitUnit(metricOf(evidence.expr) ?? "").unit ?? "";
  const named = Object.keys(evidence.numbers).find((name) => OWN_VALUE.test(name) && splitUnit(name).unit !== null);
  return named ? splitUnit(named).unit! : "";
}

/** Figures that say when an end is reached. */
const TIME_TO_END = /^time_to_/;
/** Metrics that end at nought. */
const REMAINDER = /(avail|free)/i;

/** Ends among the figures, in the chart's unit. Nothing is drawn of a figure in another unit. */
export function limitsOf(evidence: Evidence, unit: string, severity: RecommendationReport["severity"]): Limit[] {
  const limits: Limit[] = [];
  for (const [name, value] of Object.entries(evidence.numbers)) {
    const own = splitUnit(name).unit ?? unit;
    if (!/^(limit|threshold)(_|$)/.test(name) || !Number.isFinite(value) || own !== unit) continue;
    limits.push({ value, word: `${words.evidence.limit} ${formatQuantity(value, unit)}`, severity });
  }
  const ends = Object.keys(evidence.numbers).some((name) => TIME_TO_END.test(name));
  if (ends && REMAINDER.test(metricOf(evidence.expr) ?? "")) limits.push({ value: 0, word: words.evidence.noneLeft, severity });
  return limits;
}

/** Shares of the evidence's own length: shown before it, so that it is seen against what was, and after now. */
const BEFORE = 1.5;
const AFTER = 0.75;
const MIN_BEFORE_MS = 5 * 60_000;
const MAX_AHEAD_MS = 14 * 86_400_000;

/** A moment among the figures that lies ahead: when what is claimed would happen. */
function aheadMoment(evidence: Evidence, nowMs: number): number | null {
  for (const [name, value] of Object.entries(evidence.numbers)) {
    const { stem, unit } = splitUnit(name);
    const ms =
      unit === "moment"
        ? value
        : unit === "moment_seconds"
          ? value * 1000
          : unit === "seconds" && /(left|until|to_full|eta|remaining)/.test(stem)
            ? nowMs + value * 1000
            : NaN;
    if (ms > nowMs && ms < nowMs + MAX_AHEAD_MS) return ms;
  }
  return null;
}

/** The stretch that shows the evidence's window, what was before it, and what comes. */
export function evidenceWindow(evidence: Evidence, nowMs: number): Span {
  const length = Math.max(30_000, evidence.toMs - evidence.fromMs);
  const ahead = aheadMoment(evidence, nowMs);
  const fromMs = evidence.fromMs - Math.max(MIN_BEFORE_MS, BEFORE * length);
  const past = nowMs - fromMs;
  // What comes takes at most half of the width: more would leave nothing to see of what was.
  const toMs = nowMs + Math.min(past, Math.max(AFTER * length, ahead ? (ahead - nowMs) * 1.15 : 0, past / 3));
  return { fromMs, toMs };
}

export interface Caption {
  readonly title: string;
  readonly sub: string;
  /** The panel that shows the same quantity, if any. */
  readonly panel: PanelReport | null;
}

/** What the chart is called: the panel it shows or draws upon; for a bare metric its own name in words, and of what. */
export function captionOf(expr: string, panels: readonly PanelReport[]): Caption {
  const metric = metricOf(expr);
  const panel =
    panelOf(expr, panels) ??
    (PLAIN.test(expr.trim()) ? undefined : panels.find((one) => metric !== null && one.expr.includes(metric)));
  const labels = new Map([...expr.matchAll(/([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g)].map((match) => [match[1], match[2]]));
  const legend = panel?.legend ?? panels.find((one) => one.legend !== undefined && labels.has(one.legend))?.legend;
  const sub = (legend && labels.get(legend)) ?? "";
  if (panel) return { title: panel.title, sub, panel };
  const stem = metric ? splitUnit(metric).stem.replace(/^(node|alluse)_/, "") : "";
  return { title: stem ? formatName(stem) : expr, sub, panel: null };
}

/** The evidence's window in words. */
export function windowText(evidence: Evidence, nowMs: number): string {
  return words.day.span(formatMoment(evidence.fromMs, nowMs), formatMoment(evidence.toMs, nowMs));
}
