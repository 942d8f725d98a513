import {
  type Batch,
  createBatch,
  definePlugin,
  errorText,
  type Processor,
  SeriesDecisions,
  type SeriesId,
} from "all-use-agent/sdk";
import { SeriesLabels, type SeriesLabelsConfig } from "./series-labels.ts";
import { Table, type TableConfig } from "./table.ts";

export interface EnrichConfig {
  readonly tables: readonly TableConfig[];
  readonly series: readonly SeriesLabelsConfig[];
  readonly overwrite: boolean;
  readonly refresh_interval_ms: number;
}

/** Codes of decisions: as it is, the series n as 2 + n; −1 − n where it gives labels, too, and is listened to at every sample. */
const PASS = 1;
const FIRST_TARGET = 2;
/** All series are looked at anew so often at most, however often what they rest on changes. */
const ANEW_MIN_MS = 1000;
const LABEL_NAME = /^(?!__)[a-zA-Z_][a-zA-Z0-9_]*$/;

export default definePlugin<"processor", EnrichConfig>("processor", (ctx, config): Processor => {
  const tables = config.tables.map((table) => new Table(table));
  const givers = config.series.map((one) => new SeriesLabels(one));
  /** What was said of giving series is to be taken into account. */
  let changed = false;
  let anewMs = -Infinity;
  let warned = false;

  const targetOf = (id: SeriesId): SeriesId => {
    const info = ctx.seriesInfo(id);
    const labels: Record<string, string> = { ...info.labels };
    let added = false;
    for (const source of [...tables, ...givers]) {
      for (const [name, value] of Object.entries(source.labelsOf(info) ?? {})) {
        if (value === "" || labels[name] === value || !LABEL_NAME.test(name)) continue;
        if (Object.hasOwn(info.labels, name) && !config.overwrite) continue;
        labels[name] = value;
        added = true;
      }
    }
    if (!added) return id;
    const { name, type, help, unit } = info;
    return ctx.series(name, labels, { type, help, ...(unit === undefined ? {} : { unit }) });
  };

  const decisions = new SeriesDecisions((id) => {
    const info = ctx.seriesInfo(id);
    let target = id;
    try {
      target = targetOf(id);
    } catch (error) {
      if (!warned) ctx.log.warn(`${info.name} gets no labels: ${errorText(error)}`);
      warned = true;
    }
    if (givers.some((giver) => giver.gives(info))) return -1 - target;
    return target === id ? PASS : FIRST_TARGET + target;
  });

  /** Before anything is decided: what giving series of this very batch say counts for the others in it. */
  const listen = ({ series, values, length }: Batch): void => {
    for (let row = 0; row < length; row++) {
      const code = decisions.codes[series[row]] || 0;
      if (code > 0) continue;
      const info = ctx.seriesInfo(series[row]);
      for (const giver of givers)
        if (giver.gives(info) && !Number.isNaN(values[row]) && giver.note(info, values[row])) changed = true;
    }
    if (!changed || ctx.clock.monotonic() - anewMs < ANEW_MIN_MS) return;
    anewMs = ctx.clock.monotonic();
    changed = false;
    decisions.forget();
  };

  const refresh = async (): Promise<void> => {
    const faults: string[] = [];
    for (const table of tables) {
      try {
        if (await table.refresh()) decisions.forget();
      } catch (error) {
        faults.push(`${table.config.file}: ${errorText(error)}`);
      }
    }
    if (faults.length > 0) ctx.status("degraded", `What is known of before counts: ${faults.join("; ")}`);
    else if (degraded) ctx.status("ok");
    degraded = faults.length > 0;
  };
  let degraded = false;

  return {
    async start() {
      if (tables.length === 0) return;
      await refresh();
      const report = createBatch(tables.length);
      const ids = tables.map(({ config: { file } }) => ctx.series("alluse_enrich_table_rows", { file }));
      ctx.every(config.refresh_interval_ms, async () => {
        await refresh();
        report.series.set(ids);
        report.timestamps.fill(ctx.clock.now());
        report.values.set(tables.map(({ rows }) => rows));
        report.length = ids.length;
        ctx.emit(report);
      });
    },

    process(batch) {
      if (givers.length > 0) listen(batch);
      const { series, length } = batch;
      for (let row = 0; row < length; row++) {
        const code = decisions.codes[series[row]] || decisions.of(series[row]);
        if (code >= FIRST_TARGET) series[row] = code - FIRST_TARGET;
        else if (code < 0) series[row] = -1 - code;
      }
    },
  };
});
