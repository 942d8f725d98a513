import { type Collector, createBatch, definePlugin, ensureCapacity } from "all-use-agent/sdk";
import type { LogsConfig } from "./settings.ts";
import { type KeptSource, Source } from "./source.ts";

export default definePlugin<"collector", LogsConfig>("collector", (ctx, config): Collector => {
  let kept: Readonly<Record<string, KeptSource>> = {};
  let sources: Source[] = [];
  let batch = createBatch(64);
  let told = "";

  const tell = (): void => {
    const trouble = sources
      .flatMap(({ settings, trouble: one }) => (one === null ? [] : [`${settings.name}: ${one}`]))
      .join("; ");
    if (trouble === told) return;
    told = trouble;
    if (trouble) ctx.status("degraded", trouble);
    else ctx.status("ok");
  };

  return {
    restore(snapshot) {
      kept = JSON.parse(Buffer.from(snapshot).toString()) as typeof kept;
    },
    start() {
      sources = config.sources.map((settings) => new Source(ctx, settings, kept[settings.name] ?? null));
    },
    async collect() {
      for (const source of sources) await source.read();
      const rows = sources.reduce((sum, source) => sum + source.rows, 0);
      batch = ensureCapacity(batch, rows);
      batch.length = 0;
      batch.backdated = true;
      for (const source of sources) source.writeEvents(batch);
      if (batch.length > 0) ctx.emit(batch);
      batch.length = 0;
      batch.backdated = false;
      const nowMs = ctx.clock.now();
      for (const source of sources) source.write(batch, nowMs);
      if (batch.length > 0) ctx.emit(batch);
      tell();
    },
    // Places and counts together: lines read again after a crash are counted to the same numbers.
    snapshot: () =>
      Buffer.from(JSON.stringify(Object.fromEntries(sources.map((source) => [source.settings.name, source.keep()])))),
    async stop() {
      for (const source of sources) await source.close();
      sources = [];
    },
  };
});
