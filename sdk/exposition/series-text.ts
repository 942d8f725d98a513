import type { Labels } from "../series.ts";
import { copyOf } from "./text-parser.ts";

/** A name with its labels, or where and why it is none. */
export type SeriesText =
  | { readonly name: string; readonly labels: Labels }
  | { readonly offset: number; readonly message: string };

const NAME = /[a-zA-Z_:][a-zA-Z0-9_:]*/y;
const LABEL = /[a-zA-Z_][a-zA-Z0-9_]*/y;
const SPACES = /[ \t]*/y;
const QUOTED = /"((?:[^"\\]|\\.)*)"/y;

/** The position after a series' name and labels in a sample's line, or -1 when its braces do not close. */
export function seriesEnd(text: string, from: number, to: number): number {
  let at = from;
  for (; at < to; at++) {
    const code = text.charCodeAt(at);
    if (code === 123) return labelsEnd(text, at, to);
    if (code === 32 || code === 9) break;
  }
  // The text format lets blanks stand before the labels.
  let next = at;
  while (next < to && (text.charCodeAt(next) === 32 || text.charCodeAt(next) === 9)) next++;
  return next < to && text.charCodeAt(next) === 123 ? labelsEnd(text, next, to) : at;
}

function labelsEnd(text: string, from: number, to: number): number {
  let quoted = false;
  for (let at = from; at < to; at++) {
    const code = text.charCodeAt(at);
    if (code === 34) quoted = !quoted;
    else if (code === 92 && quoted) at++;
    else if (code === 125 && !quoted) return at + 1;
  }
  return -1;
}

/** Reads `name{label="value",…}`, with blanks where the text format allows them and a comma before the closing brace. */
export function parseSeriesText(text: string): SeriesText {
  const name = match(NAME, text, 0);
  if (name === null)
    return {
      offset: 0,
      message: text.startsWith("{") ? "a metric's name stands before its labels, without quotes" : "expected a metric's name",
    };
  let at = skip(text, name[0].length);
  const labels: Record<string, string> = {};
  if (at === text.length) return { name: copyOf(name[0]), labels };
  if (text[at] !== "{")
    return { offset: name[0].length, message: `${JSON.stringify(text[at])} cannot be part of a metric's name` };
  for (at = skip(text, at + 1); text[at] !== "}";) {
    const label = match(LABEL, text, at);
    if (label === null) return { offset: at, message: "expected a label's name" };
    if (Object.hasOwn(labels, label[0])) return { offset: at, message: `the label ${label[0]} is there twice` };
    const labelAt = at;
    at = skip(text, at + label[0].length);
    if (text[at] !== "=") return { offset: at, message: `expected = after the label ${label[0]}` };
    at = skip(text, at + 1);
    const value = match(QUOTED, text, at);
    if (value === null) return { offset: at, message: `the value of the label ${label[0]} must stand in double quotes` };
    if (label[0] === "__proto__") return { offset: labelAt, message: "a label cannot be named __proto__" };
    labels[copyOf(label[0])] = copyOf(unescaped(value[1]));
    at = skip(text, at + value[0].length);
    if (text[at] === ",") at = skip(text, at + 1);
    else if (text[at] !== "}") return { offset: at, message: "expected , or } after a label's value" };
  }
  if (at + 1 < text.length) return { offset: at + 1, message: "expected a blank after the labels" };
  return { name: copyOf(name[0]), labels };
}

/** `\\`, `\"` and `\n`; another escape stands for itself, as in Prometheus. */
export function unescaped(text: string): string {
  if (!text.includes("\\")) return text;
  return text.replace(/\\([\\"n])/g, (_, code: string) => (code === "n" ? "\n" : code));
}

function match(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(text);
}

function skip(text: string, at: number): number {
  SPACES.lastIndex = at;
  SPACES.test(text);
  return SPACES.lastIndex;
}
