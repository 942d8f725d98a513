import type { Labels, SeriesInfo } from "all-use-agent/sdk";
import { seriesKey } from "all-use-agent/sdk";

/** Beyond so many, all further ones are one source. */
const SOURCES_MAX = 256;
/** What a source did weighs half after so long. */
const HALF_LIFE_MS = 60_000;
/** A source that was silent for so long has no score any more. */
const FORGOTTEN_MS = 3_600_000;

/** What came from one source since the last look, and what is remembered of before. */
export interface Source {
  readonly labels: Labels;
  /** Since the last look. */
  rows: number;
  invalid: number;
  duplicates: number;
  disordered: number;
  missing: number;
  /** In rows, at the look. */
  expected: number;
  /** Weighed by age. */
  readonly past: { rows: number; invalid: number; duplicates: number; disordered: number; missing: number; expected: number };
  heardMs: number;
  batchMs: number;
  /** Batches come this far apart: what has not come yet is not missing. */
  lagMs: number;
}

export interface Score {
  readonly score: number;
  /** null: nothing is known of when its samples are due. */
  readonly completeness: number | null;
  readonly validity: number;
  readonly uniqueness: number;
  readonly order: number;
}

/** Who samples come from: the plugin that registered the series, and the labels that tell its targets apart. */
export class Sources {
  readonly list: Source[] = [];
  private readonly byKey = new Map<string, number>();
  private readonly labelNames: readonly string[];

  constructor(labelNames: readonly string[]) {
    this.labelNames = labelNames;
  }

  indexOf({ owner = "agent", labels }: SeriesInfo): number {
    const own: Record<string, string> = { source: owner };
    for (const name of this.labelNames) if (name !== "source" && Object.hasOwn(labels, name)) own[name] = labels[name];
    const full = this.list.length >= SOURCES_MAX - 1;
    const key = seriesKey("", own);
    const known = this.byKey.get(key) ?? (full ? this.byKey.get("other") : undefined);
    if (known !== undefined) return known;
    const index = this.list.push(sourceOf(full ? { source: "other" } : own)) - 1;
    this.byKey.set(full ? "other" : key, index);
    return index;
  }

  /** Takes what came since the last look into the past. */
  settle(source: Source, passedMs: number, nowMs: number): void {
    const { past } = source;
    if (source.rows > 0) source.heardMs = nowMs;
    const kept = 0.5 ** (passedMs / HALF_LIFE_MS);
    past.rows = past.rows * kept + source.rows;
    past.invalid = past.invalid * kept + source.invalid;
    past.duplicates = past.duplicates * kept + source.duplicates;
    past.disordered = past.disordered * kept + source.disordered;
    // Of a source from which nothing is expected any more, it counts what it last was.
    if (source.expected > 0) {
      past.expected = past.expected * kept + source.expected;
      past.missing = past.missing * kept + Math.min(source.missing, source.expected);
    }
    source.rows = source.invalid = source.duplicates = source.disordered = source.missing = source.expected = 0;
  }

  /** null: it was not heard of for so long, or never. */
  score({ past, heardMs }: Source, nowMs: number): Score | null {
    if (nowMs - heardMs > FORGOTTEN_MS) return null;
    const part = (bad: number): number => (past.rows > 0 ? 1 - bad / past.rows : 1);
    const completeness = past.expected > 0 ? 1 - past.missing / past.expected : null;
    const validity = part(past.invalid);
    const uniqueness = part(past.duplicates);
    const order = part(past.disordered);
    return { score: (completeness ?? 1) * validity * uniqueness * order, completeness, validity, uniqueness, order };
  }
}

function sourceOf(labels: Labels): Source {
  const nothing = { rows: 0, invalid: 0, duplicates: 0, disordered: 0, missing: 0, expected: 0 };
  return { labels, ...nothing, past: { ...nothing }, heardMs: -Infinity, batchMs: -Infinity, lagMs: 0 };
}
