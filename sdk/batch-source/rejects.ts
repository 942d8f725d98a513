import type { PluginContext } from "../context.ts";
import { errorText } from "../errors.ts";
import type { DocumentCollection } from "../kinds.ts";
import type { SourceFigures } from "./batch-metrics.ts";
import type { Cell, RowPlace } from "./types.ts";

/** A row that became nothing, as it is kept. */
export interface RejectedRow {
  readonly _id: string;
  readonly source: string;
  /** When it was rejected, Unix ms. */
  readonly at: number;
  readonly reason: string;
  readonly message: string;
  readonly where: string;
  readonly line: number;
  readonly column: number | null;
  /** The row with everything hidden that would not have become a sample. */
  readonly text: string;
}

export const REJECTED_COLLECTION = "batch-rejected-rows";
/** Of all sources together; the oldest go. */
const KEPT_MAX = 1000;
/** Of one run: what is wrong with the first is wrong with the rest. */
const KEPT_A_RUN_MAX = 20;
const TEXT_MAX_CHARACTERS = 200;

/** Counts what one source rejects, and keeps some of it. */
export class Rejects {
  private readonly ctx: PluginContext;
  private readonly source: string;
  private readonly figures: SourceFigures;
  private readonly rows: DocumentCollection<RejectedRow>;
  private waiting: RejectedRow[] = [];
  private thisRun = 0;
  private count = 0;
  private warned = false;

  constructor(ctx: PluginContext, source: string, figures: SourceFigures) {
    this.ctx = ctx;
    this.source = source;
    this.figures = figures;
    this.rows = ctx.documents.collection<RejectedRow>(REJECTED_COLLECTION, { maxDocuments: KEPT_MAX, orderBy: "at" });
  }

  runBegins(): void {
    this.thisRun = 0;
  }

  get ofThisRun(): number {
    return this.thisRun;
  }

  add(reason: string, message: string, place: RowPlace, text: string): void {
    this.figures.add("alluse_batch_rejected_rows_total", 1, { reason });
    if (this.thisRun++ >= KEPT_A_RUN_MAX) return;
    const at = this.ctx.clock.now();
    this.waiting.push({
      // Two of one millisecond, and of two agents' lives, are told apart.
      _id: `${this.source}/${at}-${this.count++}-${Math.floor(this.ctx.random() * 2 ** 32).toString(36)}`,
      source: this.source,
      at,
      reason,
      message: message.slice(0, TEXT_MAX_CHARACTERS),
      where: place.where ?? "",
      line: place.line,
      column: place.column ?? null,
      text: text.slice(0, TEXT_MAX_CHARACTERS),
    });
  }

  /** Writes down what gathered. Never rejects: rows are counted even where they cannot be kept. */
  async keep(): Promise<void> {
    const rows = this.waiting;
    this.waiting = [];
    try {
      for (const row of rows) await this.rows.put(row);
    } catch (error) {
      if (!this.warned) this.ctx.log.warn(`rejected rows are counted but cannot be kept: ${errorText(error)}`);
      this.warned = true;
    }
  }

  /** The newest that are kept, newest first. */
  async recent(limit: number): Promise<RejectedRow[]> {
    return this.rows.find({ filter: { source: this.source }, sort: { at: -1 }, limit });
  }
}

/** A text that could not be taken apart: which letters and digits it has is nobody's business. */
export function shapeOf(text: string): string {
  return text.slice(0, TEXT_MAX_CHARACTERS).replace(/\p{L}/gu, "x").replace(/\d/g, "9");
}

/** The cells that would have become samples and labels, and a dash for each other one. */
export function shownRow(columns: readonly string[], cells: readonly Cell[], shown: ReadonlySet<string>): string {
  return columns
    .map((column, i) =>
      cells[i] === null || cells[i] === undefined ? "" : shown.has(column) ? String(cells[i]).slice(0, 60) : "-",
    )
    .join(",")
    .slice(0, TEXT_MAX_CHARACTERS);
}
