import type { MetricType } from "../series.ts";
import type { TimeFormat } from "./time-format.ts";

/** A column whose numbers become samples of a metric. */
export interface ValueConfig {
  readonly column: string;
  /** The column's name when absent. */
  readonly metric?: string;
  readonly type?: MetricType;
  readonly unit?: string;
  readonly help?: string;
  /** Labels of this metric only. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Of a `state`: its possible texts. One series each, 1 for the one that it is. */
  readonly states?: readonly string[];
}

/** A table with one row a metric: its name in one column, the value in another. */
export interface LongConfig {
  readonly metric_column: string;
  readonly value_column: string;
  readonly prefix?: string;
  readonly type?: MetricType;
  readonly unit?: string;
  readonly help?: string;
}

/** What a cell must be like. */
export interface RuleConfig {
  readonly column: string;
  readonly type?: "number" | "integer" | "text" | "boolean" | "time";
  readonly required?: boolean;
  readonly minimum?: number;
  readonly maximum?: number;
  /** RE2; the whole text must match. */
  readonly pattern?: string;
  readonly enum?: readonly string[];
}

export const TRANSFORM_KINDS = ["trim", "missing", "rename", "scale", "decimal_comma", "split", "expression", "lookup"] as const;

/** One step that changes rows before they are checked. `to` is where the result goes, the column itself when absent. */
export interface TransformConfig {
  readonly do: (typeof TRANSFORM_KINDS)[number];
  /** All columns where a step allows it and none is given. */
  readonly column?: string;
  readonly to?: string;
  /** missing: texts that stand for nothing; the empty text when absent. */
  readonly texts?: readonly string[];
  /** scale: value × factor + offset. */
  readonly factor?: number;
  readonly offset?: number;
  /** split */
  readonly separator?: string;
  readonly into?: readonly string[];
  /** expression: see `compileExpression`. */
  readonly expression?: string;
  /** lookup: value of the column → column → text. */
  readonly table?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** lookup: what a value that the table lacks does. */
  readonly unknown?: "keep" | "reject";
}

/** How rows become samples. */
export interface RowSchemaConfig {
  /** Without one, rows are of the run's scheduled time. */
  readonly time_column?: string;
  readonly time_format?: TimeFormat;
  readonly time_pattern?: string;
  readonly time_zone?: string;
  /** Label → column. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Label → text, of every sample. */
  readonly constant_labels?: Readonly<Record<string, string>>;
  readonly values?: readonly ValueConfig[];
  readonly long?: LongConfig;
  readonly rules?: readonly RuleConfig[];
  readonly transforms?: readonly TransformConfig[];
}
