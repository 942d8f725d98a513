import type { Evidence, PanelReport, RecommendationReport } from "all-use-agent/sdk";
import { formatMoment, formatName, formatQuantity, splitUnit } from "../format.ts";
import { words } from "../words.ts";
import { isPanelSelector } from "./load.ts";
import type { Limit, Span } from "./scene.ts";

/** What an evidence chart shows, read out of the claim itself. */

/** The panel that an expression shows, or null. */
export function panelOf(expr: string, panels: readonly PanelReport[]): PanelReport | null {
  const name = isPanelSelector(expr) ? /panel="((?:[^"\\]|\\.)*)"/.exec(expr)?.[1] : undefined;
  return panels.find((panel) => panel.panel === name) ?? null;
}

/** A metric's name in an expression: a word before `{` or `[`, or the whole. */
function metricOf(expr: string): string | null {
  return /([a-zA-Z_:][a-zA-Z0-9_:]*)\s*[{[]/.exec(expr)?.[1] ?? /^[a-zA-Z_:][a-zA-Z0-9_:]*$/.exec(expr.trim())?.[0] ?? null;
}

/** The unit of an expression's values by the name of its metric; empty when it cannot be told. */
export function unitOf(expr: string): string {
  const metric = metricOf(expr);
  const unit = metric ? splitUnit(metric).unit : null;
  if (!unit) return "";
  if (/\/[^/]*[a-zA-Z_]+\s*[({[]/.test(expr)) return "";
  const rate = /\b(rate|irate|deriv)\s*\(/.test(expr);
  if (!rate) return unit;
  return unit === "bytes" ? "bytes_per_second" : unit === "seconds" ? "ratio" : "per_second";
}

/** Names of figures that are an end which the quantity must not reach. */
const LIMIT = /^(limit|total|capacity|size|threshold|bound|full|max)(_|$)/;

/** Ends among the figures, in the chart's unit. Nothing is drawn of a figure in another unit. */
export function limitsOf(evidence: Evidence, unit: string, severity: RecommendationReport["severity"]): Limit[] {
  const limits: Limit[] = [];
  for (const [name, value] of Object.entries(evidence.numbers)) {
    const { stem, unit: own } = splitUnit(name);
    if (!LIMIT.test(name) || !Number.isFinite(value) || (own ?? unit) !== unit) continue;
    limits.push({ value, word: `${formatName(stem).toLowerCase()} ${formatQuantity(value, unit)}`.trim(), severity });
  }
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
    const ms = unit === "moment" ? value : unit === "moment_seconds" ? value * 1000 : unit === "seconds" && /(left|until|to_full|eta|remaining)/.test(stem) ? nowMs + value * 1000 : NaN;
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

export interface FigureRow {
  readonly label: string;
  readonly value: string;
}

export interface Caption {
  readonly title: string;
  readonly mono: boolean;
}

/** What the chart is called: the panel's title, else the metric's own name. */
export function captionOf(expr: string, panels: readonly PanelReport[]): Caption {
  const panel = panelOf(expr, panels);
  if (panel) return { title: panel.title, mono: false };
  return { title: metricOf(expr) ?? expr, mono: true };
}

/** The evidence's window in words. */
export function windowText(evidence: Evidence, nowMs: number): string {
  return words.day.span(formatMoment(evidence.fromMs, nowMs), formatMoment(evidence.toMs, nowMs));
}
