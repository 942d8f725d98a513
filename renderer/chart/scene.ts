import type { Severity } from "all-use-agent/sdk";
import type { Columns } from "./columns.ts";
import { type ColourName, lineColour } from "./palette.ts";
import type { ValueScale } from "./scale.ts";

/** A forecast: all columns of one length, times in Unix ms. */
export interface Cone {
  readonly x: Float64Array;
  readonly expected: Float64Array;
  readonly low: Float64Array;
  readonly high: Float64Array;
}

export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

export interface MarkedSpan extends Span {
  readonly severity: Severity;
}

export interface NamedSpan extends Span {
  readonly word: string;
}

export interface Limit {
  readonly value: number;
  readonly word: string;
  /** Grey while nothing nears it. */
  readonly severity: Severity | null;
}

/** All that one drawing of a chart needs, in data's own units. Built anew for each drawing; owns nothing. */
export interface Scene {
  readonly fromMs: number;
  readonly toMs: number;
  /** Where now is; null when it is not on the axis. */
  readonly edgeMs: number;
  /** The word at the edge: "now", or a time of day when the data is old. */
  readonly edgeWord: string;
  readonly columns: Columns;
  /** Which columns are drawn, and which of them carries band, cone and marks; -1 for none. */
  readonly shown: readonly number[];
  readonly focus: number;
  readonly cone: Cone | null;
  readonly scale: ValueScale;
  readonly tickText: (value: number) => string;
  /** Tinted parts: the stretch that evidence is about. */
  readonly windows: readonly MarkedSpan[];
  /** Parts in which something was found: a bar under the axis. */
  readonly marks: readonly MarkedSpan[];
  readonly gaps: readonly NamedSpan[];
  readonly limits: readonly Limit[];
  /** What an excess means at a time. */
  readonly severity: Severity;
  /** Three words in the plot, where there is no band yet. */
  readonly note: string;
  readonly ground: "ground" | "surface";
}

/** A line's own colour: ink where it carries the band, its place in the palette among others, grey beside the one in focus. */
export function colourOf(scene: Scene, index: number): ColourName {
  if (index === scene.focus) return "chart-line";
  return scene.focus >= 0 ? "chart-now" : lineColour(scene.shown.indexOf(index));
}
