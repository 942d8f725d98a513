import {
  type Batch,
  createBatch,
  definePlugin,
  ensureCapacity,
  type Finding,
  type SeriesInfo,
  seriesKey,
} from "all-use-agent/sdk";
import { afterGap, NOT_YET, observe as score } from "./detector.ts";
import { D, DOUBLES, FLOATS, WARM_UP } from "./layout.ts";
import { PanelWatch } from "./panel-watch.ts";
import { RawWatch } from "./raw-watch.ts";
import { decode, encode } from "./snapshot.ts";
import { COUNTER, GAUGE, SeriesTable } from "./table.ts";
import type { PanelWords } from "./words.ts";

interface Config {
  max_series?: number;
  raw_findings_per_day?: number;
  panels?: Record<string, PanelWords>;
}

const PANEL_METRIC = "alluse_panel_value";
const REPORT_INTERVAL_MS = 10_000;
const SWEEP_INTERVAL_MS = 600_000;
/** A panel whose series says nothing for this long has ended; its finding with it. */
const SILENT_MS = 30_000;
/** After a gap or a start the machine catches up on what it missed: no findings for so long. */
const MUTE_MS = 30_000;
/** What the machine does while the agent itself starts is not what it usually does. */
const START_MS = 10_000;
/** Samples passed over after a series was silent. */
const SETTLE = 10;
/** A panel's finding explains what single series do this long afterwards. */
const EXPLAINED_MS = 120_000;
/** Time between samples counts as a gap from this many usual distances and two seconds on. */
const GAP_INTERVALS = 5;
/** Longest time that one sample stands for when rates of learning are worked out. */
const STEP_MAX_S = 60;

const UNSEEN = 0;
const IGNORED = -1;

export default definePlugin<"analytics", Config>("analytics", (ctx, config) => {
  const table = new SeriesTable(config.max_series ?? 10_000);
  /** By series number: slot + 1, or UNSEEN, or IGNORED. */
  let slots = new Int32Array(1024);
  /** By slot. */
  const infos: (SeriesInfo | undefined)[] = [];
  const numbers: number[] = [];
  const panelOf: (PanelWatch | undefined)[] = [];
  let panels: PanelWatch[] = [];
  let savedPanels = new Map<string, ReturnType<PanelWatch["save"]>>();
  let unwatched = 0;
  let explainedUntilMs = 0;
  let muteUntilMs = 0;
  let learnFromMs = 0;
  let out = createBatch(64);

  const publish = (finding: Finding): void => ctx.publish(finding);
  const raw = new RawWatch(config.raw_findings_per_day ?? 4, (slot) => infos[slot], publish);

  function watchable(info: SeriesInfo): boolean {
    if (info.type !== "gauge" && info.type !== "counter") return false;
    if (info.name === PANEL_METRIC) return true;
    return info.name.startsWith("node_") && !info.name.endsWith("_info");
  }

  /** First sample of a series number: finds or makes its state. */
  function admit(id: number): number {
    if (id >= slots.length) {
      const grown = new Int32Array(Math.max(id + 1, slots.length * 2));
      grown.set(slots);
      slots = grown;
    }
    const info = ctx.seriesInfo(id);
    if (!watchable(info)) return (slots[id] = IGNORED);
    const key = seriesKey(info.name, info.labels);
    const slot = table.claim(key, info.type === "counter" ? COUNTER : GAUGE);
    if (slot < 0) {
      unwatched++;
      return (slots[id] = IGNORED);
    }
    infos[slot] = info;
    numbers[slot] = id;
    if (info.name === PANEL_METRIC) {
      const panel = new PanelWatch(info.name, info.labels, config.panels?.[info.labels["panel"] ?? ""], publish);
      const saved = savedPanels.get(key);
      if (saved) panel.load(saved);
      panel.gap(0, muteUntilMs);
      panelOf[slot] = panel;
      panels.push(panel);
    }
    return (slots[id] = slot + 1);
  }

  function observe(batch: Batch): void {
    for (let row = 0; row < batch.length; row++) {
      const id = batch.series[row];
      let entry = id < slots.length ? slots[id] : UNSEEN;
      if (entry === IGNORED) continue;
      const value = batch.values[row];
      if (value - value !== 0) continue;
      if (entry === UNSEEN) {
        entry = admit(id);
        if (entry === IGNORED) continue;
      }
      sample(entry - 1, batch.timestamps[row], value);
    }
  }

  function sample(slot: number, timeMs: number, rawValue: number): void {
    const { doubles } = table;
    const d = slot * DOUBLES;
    const lastMs = doubles[d + D.lastMs];
    const lastRaw = doubles[d + D.lastRaw];
    const passedMs = timeMs - lastMs;
    if (passedMs <= 0) {
      // Time ran backwards, by more than a late batch explains: the clock was set.
      if (passedMs < -SILENT_MS) doubles[d + D.lastMs] = timeMs;
      return;
    }
    doubles[d + D.lastMs] = timeMs;
    doubles[d + D.lastRaw] = rawValue;
    const seconds = passedMs / 1000;
    const interval = doubles[d + D.intervalS];
    const gap = lastMs === 0 || (interval > 0 && seconds > GAP_INTERVALS * interval + 2);
    const counter = table.kinds[slot] === COUNTER;
    if (gap) {
      doubles[d + D.settle] = lastMs === 0 ? 0 : SETTLE;
      if (!counter) afterGap(doubles, d, rawValue);
      if (counter || lastMs !== 0) return;
    } else {
      doubles[d + D.intervalS] = interval === 0 ? seconds : interval + 0.1 * (seconds - interval);
    }
    let value = rawValue;
    if (counter) {
      // A counter that fell began anew: what it counted before that moment is not known.
      if (rawValue < lastRaw) return;
      value = (rawValue - lastRaw) / seconds;
    }
    if (doubles[d + D.settle] > 0) {
      doubles[d + D.settle]--;
      if (doubles[d + D.settle] === SETTLE - 1 || counter) afterGap(doubles, d, value);
      return;
    }
    if (timeMs < learnFromMs && timeMs >= learnFromMs - START_MS) return;
    judge(slot, d, timeMs, value, seconds);
  }

  function judge(slot: number, d: number, timeMs: number, value: number, seconds: number): void {
    const { doubles } = table;
    const low = doubles[d + D.low];
    const high = doubles[d + D.high];
    const result = score(doubles, d, table.floats, slot * FLOATS, value, seconds < STEP_MAX_S ? seconds : STEP_MAX_S);
    if (result === NOT_YET) return;
    const panel = panelOf[slot];
    if (panel) {
      const count = doubles[d + D.count];
      panel.step(timeMs, value, result, low, high, doubles[d + D.slow], doubles[d + D.slowSpread], count, doubles[d + D.min]);
      if (panel.isTold) explainedUntilMs = timeMs + EXPLAINED_MS;
    } else if (raw.wants(slot, result)) {
      raw.step(slot, { timeMs, value, score: result, low, high }, doubles[d + D.count], timeMs < explainedUntilMs);
    }
  }

  function add(id: number, value: number): void {
    if (value !== value) return;
    out = ensureCapacity(out, out.length + 1);
    out.series[out.length] = id;
    out.timestamps[out.length] = ctx.clock.now();
    out.values[out.length] = value;
    out.length++;
  }

  function report(): void {
    const nowMs = ctx.clock.now();
    out.length = 0;
    let open = raw.openCount;
    for (const panel of panels) {
      if (nowMs - panel.newestMs > SILENT_MS) {
        if (panel.isOpen) panel.gap(panel.newestMs, 0);
        continue;
      }
      const [low, high, highest] = (panel.outIds ??= [
        ctx.series("alluse_usual_low", panel.labels),
        ctx.series("alluse_usual_high", panel.labels),
        ctx.series("alluse_anomaly_score", panel.labels),
      ]);
      add(low, panel.low);
      add(high, panel.high);
      add(highest, panel.scoreMax);
      panel.scoreMax = NaN;
      if (panel.isTold) open++;
    }
    let learning = 0;
    for (let slot = 0; slot < table.keys.length; slot++) {
      if (table.keys[slot] !== null && table.doubles[slot * DOUBLES + D.count] < WARM_UP) learning++;
    }
    add(ctx.series("alluse_anomaly_series", { state: "learning" }), learning);
    add(ctx.series("alluse_anomaly_series", { state: "ready" }), table.size - learning);
    add(ctx.series("alluse_anomaly_series", { state: "unwatched" }), unwatched);
    add(ctx.series("alluse_anomaly_open_findings"), open);
    ctx.emit(out);
  }

  /** Gives the places of series long silent to others. */
  function sweep(): void {
    for (const slot of table.sweep(ctx.clock.now())) {
      raw.close(slot, ctx.clock.now());
      const id = numbers[slot];
      if (id !== undefined) slots[id] = UNSEEN;
      panels = panels.filter((panel) => panel !== panelOf[slot]);
      infos[slot] = panelOf[slot] = undefined;
    }
  }

  return {
    observe,

    start() {
      learnFromMs = ctx.clock.now() + START_MS;
      muteUntilMs = table.size > 0 ? ctx.clock.now() + MUTE_MS : 0;
      ctx.every(REPORT_INTERVAL_MS, report);
      ctx.every(SWEEP_INTERVAL_MS, sweep);
      ctx.on("gap", ({ fromMs, toMs }) => {
        muteUntilMs = toMs + MUTE_MS;
        for (const panel of panels) panel.gap(fromMs, muteUntilMs);
        raw.closeAll(fromMs);
      });
    },

    stop() {
      for (const panel of panels) panel.gap(panel.newestMs, 0);
      raw.closeAll(ctx.clock.now());
    },

    snapshot() {
      const saved: Record<string, ReturnType<PanelWatch["save"]>> = {};
      for (const [key, panel] of savedPanels) if (table.slotOf(key) !== undefined) saved[key] = panel;
      for (let slot = 0; slot < table.keys.length; slot++) {
        const panel = panelOf[slot];
        const key = table.keys[slot];
        if (panel && key !== null) saved[key] = panel.save();
      }
      return encode(table, saved, ctx.clock.now());
    },

    restore(bytes) {
      savedPanels = decode(bytes, table).panels;
    },
  };
});
