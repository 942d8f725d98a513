import { type Batch, definePlugin, type Matcher, type SelectRequest, type SeriesId, type SeriesInfo } from "all-use-agent/sdk";
import { Engine } from "./engine.ts";
import type { FsyncPolicy } from "./log-writer.ts";
import { metricsEmitter } from "./metrics.ts";

interface SeriesConfig {
  /** Folder of the store; the host fills it in. */
  readonly path: string;
  readonly retention_days: number;
  readonly max_disk_bytes: number;
  readonly block_minutes: number;
  readonly accept_any_age: boolean;
  readonly fsync: FsyncPolicy;
  readonly report_interval_ms: number;
}

const DAY_MS = 86_400_000;
const MAINTAIN_INTERVAL_MS = 5000;

export default definePlugin<"storage", SeriesConfig>("storage", (ctx, config) => {
  const engine = new Engine(
    {
      path: config.path,
      retentionMs: config.retention_days * DAY_MS,
      maxDiskBytes: config.max_disk_bytes,
      blockMs: config.block_minutes * 60_000,
      acceptAnyAge: config.accept_any_age,
      fsync: config.fsync,
    },
    ctx,
  );
  return {
    async start() {
      await engine.open();
      ctx.every(MAINTAIN_INTERVAL_MS, () => engine.maintain());
      if (config.report_interval_ms === 0) return;
      ctx.every(
        config.report_interval_ms,
        metricsEmitter(ctx, () => engine.stats()),
      );
    },
    stop: () => engine.close(),
    define: (id: SeriesId, info: SeriesInfo) => engine.define(id, info),
    append: (batch: Batch) => engine.append(batch),
    flush: () => engine.flush(),
    select: (request: SelectRequest) => engine.select(request),
    series: (matchers: readonly Matcher[], fromMs: number, toMs: number) => engine.series(matchers, fromMs, toMs),
    gap: (fromMs: number, toMs: number, reason: string) => engine.gap({ fromMs, toMs, reason }),
    gaps: (fromMs: number, toMs: number) => engine.gaps(fromMs, toMs),
    seal: () => engine.seal(),
    deleteSeries: (matchers: readonly Matcher[], fromMs: number, toMs: number) => engine.deleteSeries(matchers, fromMs, toMs),
    stats: () => engine.stats(),
  };
});
