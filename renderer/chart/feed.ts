import { computed, effect } from "@preact/signals";
import type { PanelReport } from "all-use-agent/sdk";
import { agentNow, edge, findings } from "../state/agent.ts";
import { range, windowOf } from "../state/range.ts";
import { onCatchUp, onEvent, type Tick } from "../state/stream.ts";
import { lineSelector, loadCone, loadGaps, loadHistory, panelSelector } from "./load.ts";
import type { ChartModel } from "./model.ts";
import { queryStepMs } from "./scale.ts";
import { findingsOn, marksOf, severityOf } from "./severity.ts";

/** A failed read is tried again this often. */
const RETRY_MS = 10_000;
/** A forecast is worth asking for again when a thirtieth of what is shown has passed, and no faster than models learn. */
const CONE_MIN_MS = 30_000;
/** Ahead of now by less than this there is nothing to forecast. */
const AHEAD_MIN_MS = 1000;

/** Keeps a panel's chart filled: its past when the range changes, its ticks while live, its forecast now and then. */
export class PanelFeed {
  private readonly model: ChartModel;
  private readonly panel: PanelReport;
  private abort = new AbortController();
  private retry: ReturnType<typeof setTimeout> | undefined;
  private coneTimer: ReturnType<typeof setTimeout> | undefined;
  private stops: (() => void)[] = [];

  constructor(model: ChartModel, panel: PanelReport) {
    this.model = model;
    this.panel = panel;
  }

  /** Starts; returns how to stop. */
  start(): () => void {
    const { model } = this;
    // A resize reads anew only when it changes the resolution.
    const stepMs = computed(() => {
      const { fromMs, toMs } = windowOf(range.value, 0);
      return model.width.value ? queryStepMs(toMs - fromMs, model.width.value) : 0;
    });
    this.stops = [
      effect(() => {
        void range.value;
        if (stepMs.value) void this.read(stepMs.value);
      }),
      effect(() => {
        void model.chosen.value;
        model.cone = null;
        if (model.state.peek() === "ready") void this.readCone();
      }),
      effect(() => {
        const found = findingsOn(findings.value ?? [], this.panel.panel);
        model.severity = severityOf(found);
        model.marks = () => marksOf(found, edge.peek());
        model.changed();
      }),
      onCatchUp(() => void (stepMs.peek() && this.read(stepMs.peek()))),
      onEvent("tick", (tick) => this.take(tick)),
    ];
    return () => this.stop();
  }

  private stop(): void {
    this.abort.abort();
    clearTimeout(this.retry);
    clearTimeout(this.coneTimer);
    for (const stop of this.stops) stop();
  }

  /** Runs again what failed. */
  again(): void {
    const { fromMs, toMs } = windowOf(range.peek(), 0);
    this.model.state.value = "loading";
    void this.read(queryStepMs(toMs - fromMs, this.model.width.peek()));
  }

  private async read(stepMs: number): Promise<void> {
    this.abort.abort();
    this.abort = new AbortController();
    clearTimeout(this.retry);
    const { signal } = this.abort;
    const { model } = this;
    const window = windowOf(range.peek(), edge.peek());
    const past = { fromMs: window.fromMs, toMs: Math.min(window.toMs, agentNow()) };
    try {
      const gaps = loadGaps(past).catch(() => []);
      await loadHistory(model, panelSelector(this.panel.panel), past, stepMs, signal);
      if (signal.aborted) return;
      model.gaps = await gaps;
      model.refit();
      model.state.value = model.columns.length > 0 ? "ready" : "empty";
      model.changed();
      void this.readCone();
    } catch (error) {
      if (signal.aborted) return;
      model.failure.value = error instanceof Error ? error.message : String(error);
      model.state.value = "failed";
      this.retry = setTimeout(() => void this.read(stepMs), RETRY_MS);
    }
  }

  /** A chart without a forecast is a chart: that data is too short or no model runs is not its error. */
  private async readCone(): Promise<void> {
    clearTimeout(this.coneTimer);
    const { signal } = this.abort;
    const { model } = this;
    const window = windowOf(range.peek(), edge.peek());
    const aheadMs = window.toMs - edge.peek();
    const againMs = Math.max(CONE_MIN_MS, (window.toMs - window.fromMs) / 30);
    const { columns } = model.columns;
    const column = columns[model.focus()];
    let cone = null;
    if (column && aheadMs > AHEAD_MIN_MS && !document.hidden) {
      const expr = columns.length > 1 ? lineSelector(this.panel.panel, column.labels) : panelSelector(this.panel.panel);
      // Beyond the axis by what passes until the next one, so that the cone never ends before it.
      cone = await loadCone(expr, column.labels, aheadMs + againMs, signal).catch(() => null);
    }
    if (signal.aborted) return;
    model.cone = cone;
    model.changed();
    this.coneTimer = setTimeout(() => void this.readCone(), againMs);
  }

  private take(tick: Tick): void {
    const { model, panel } = this;
    const state = model.state.peek();
    if (state !== "ready" && state !== "empty") return;
    const window = windowOf(range.peek(), tick.nowMs);
    const rows = tick.panels.filter((row) => row.panel === panel.panel && row.timestampMs <= window.toMs);
    if (rows.length === 0) return;
    model.columns.push(rows);
    model.columns.trim(window.fromMs);
    if (state === "empty") {
      model.state.value = "ready";
      model.changed();
    }
  }
}
