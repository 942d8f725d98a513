import {
  type Batch,
  createBatch,
  ensureCapacity,
  errorText,
  type Labels,
  type Logger,
  type PanelReport,
  type QueryRow,
  type SeriesId,
  type StreamEvents,
} from "all-use-agent/sdk";

/** A panel is a picture; one with more lines than this records the first ones only. */
const SERIES_PER_PANEL_MAX = 24;
/** A usual band older than this is not shown as today's. */
const BAND_MAX_AGE_MS = 60_000;

export const PANEL_METRICS = {
  alluse_panel_value: { type: "gauge", help: "Value of a panel's expression, recorded every second." },
} as const;

export interface PanelServices {
  query(expr: string, timeMs: number): Promise<QueryRow[]>;
  registerValue(labels: Labels): SeriesId;
  /** The newest `alluse_usual_low` or `_high` with these labels, or null while learning. */
  newestBand(side: "low" | "high", labels: Labels, oldestMs: number): number | null;
  emit(batch: Batch): void;
}

type PanelRow = StreamEvents["tick"]["panels"][number];

/**
 * Records what every panel shows as series of its own, `alluse_panel_value{panel="…", …}`. So the quantities that people
 * look at are learnt, stored and forecast like any other series, whatever expression is behind them.
 */
export class PanelRecorder {
  private readonly services: PanelServices;
  private readonly log: Logger;
  private batch: Batch = createBatch(64);
  private rows: PanelRow[] = [];
  private readonly failing = new Set<string>();

  constructor(services: PanelServices, log: Logger) {
    this.services = services;
    this.log = log;
  }

  /** The rows of the last recording, with the usual band as it is now. */
  latest(): readonly PanelRow[] {
    return this.rows;
  }

  async record(panels: readonly PanelReport[], nowMs: number): Promise<void> {
    const rows: PanelRow[] = [];
    this.batch.length = 0;
    for (const { panel, expr } of panels) {
      for (const row of await this.evaluate(panel, expr, nowMs)) {
        const { __name__: _name, ...own } = row.labels;
        const labels = { ...own, panel };
        const length = this.batch.length;
        this.batch = ensureCapacity(this.batch, length + 1);
        this.batch.series[length] = this.services.registerValue(labels);
        this.batch.timestamps[length] = nowMs;
        this.batch.values[length] = row.value;
        this.batch.length = length + 1;
        const oldestMs = nowMs - BAND_MAX_AGE_MS;
        const low = this.services.newestBand("low", labels, oldestMs);
        const high = this.services.newestBand("high", labels, oldestMs);
        rows.push({ panel, labels, timestampMs: nowMs, value: row.value, low, high });
      }
    }
    this.rows = rows;
    if (this.batch.length > 0) this.services.emit(this.batch);
  }

  /** A panel that cannot be evaluated is left out and said once; the others go on. */
  private async evaluate(panel: string, expr: string, nowMs: number): Promise<QueryRow[]> {
    try {
      const rows = await this.services.query(expr, nowMs);
      this.failing.delete(panel);
      return rows.filter(({ value }) => Number.isFinite(value)).slice(0, SERIES_PER_PANEL_MAX);
    } catch (error) {
      if (!this.failing.has(panel)) this.log.warn(`panel ${panel} cannot be evaluated: ${errorText(error)}`);
      this.failing.add(panel);
      return [];
    }
  }
}
