import { compileSelector, type SeriesInfo } from "all-use-agent/sdk";
import { keyOf } from "./table.ts";

/** Some 200 bytes each. */
const KEYS_MAX = 50_000;

export interface SeriesLabelsConfig {
  readonly from: string;
  readonly to: string;
  readonly on: readonly string[];
  readonly labels: readonly string[];
  readonly value_label?: string;
}

/** Labels that series of one selector give to those of another: the newest that said something counts. */
export class SeriesLabels {
  private readonly config: SeriesLabelsConfig;
  /** Whether a series gives labels. */
  readonly gives: (info: SeriesInfo) => boolean;
  private readonly takes: (info: SeriesInfo) => boolean;
  private readonly byKey = new Map<string, Record<string, string>>();

  /** Throws `selector_invalid`. */
  constructor(config: SeriesLabelsConfig) {
    this.config = config;
    this.gives = compileSelector(config.from);
    this.takes = compileSelector(config.to);
  }

  /** Takes up what a series says. Returns whether that is new. */
  note(info: SeriesInfo, value: number): boolean {
    const { on, labels, value_label: valueLabel } = this.config;
    const key = keyOf(on, info.labels);
    const given: Record<string, string> = {};
    for (const name of labels) given[name] = info.labels[name] ?? "";
    if (valueLabel !== undefined) given[valueLabel] = String(value);
    const known = this.byKey.get(key);
    if (known === undefined ? this.byKey.size >= KEYS_MAX : Object.keys(given).every((name) => known[name] === given[name]))
      return false;
    this.byKey.set(key, given);
    return true;
  }

  /** The labels for a series, or null. Who gives takes none of his own. */
  labelsOf(info: SeriesInfo): Readonly<Record<string, string>> | null {
    if (!this.takes(info) || this.gives(info)) return null;
    return this.byKey.get(keyOf(this.config.on, info.labels)) ?? null;
  }
}
