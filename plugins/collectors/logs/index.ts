import { type Collector, createBatch, definePlugin, ensureCapacity, errorText } from "all-use-agent/sdk";
import type { LogsConfig } from "./settings.ts";
import { type KeptSource, Source } from "./source.ts";

const PLACES = "places";
/** What is read after a crash again is at most what came in this time. */
const KEEP_MS = 5000;

export default definePlugin<"collector", LogsConfig>("collector", (ctx, config): Collector => {
  let sources: Source[] = [];
  let batch = createBatch(64);
  let told = "";
  let keptText = "";
  let keptMs = -Infinity;

  const tell = (): void => {
    const trouble = sources
      .flatMap(({ settings, trouble: one }) => (one === null ? [] : [`${settings.name}: ${one}`]))
      .join("; ");
    if (trouble === told) return;
    told = trouble;
    if (trouble) ctx.status("degraded", trouble);
    else ctx.status("ok");
  };

  const readKept = async (): Promise<Readonly<Record<string, KeptSource>>> => {
    const bytes = await ctx.store.read(PLACES);
    if (bytes === null) return {};
    try {
      return JSON.parse(Buffer.from(bytes).toString()) as Readonly<Record<string, KeptSource>>;
    } catch (error) {
      ctx.log.warn(`where it stood in the files could not be read, it begins anew: ${errorText(error)}`);
      return {};
    }
  };

  /** Places and counts together: lines read again after a crash are counted to the same numbers. */
  const keep = async (): Promise<void> => {
    keptMs = ctx.clock.monotonic();
    const text = JSON.stringify(Object.fromEntries(sources.map((source) => [source.settings.name, source.keep()])));
    if (text === keptText) return;
    // What was told of the lines before the place is safe before the place is.
    await ctx.flush();
    await ctx.store.write(PLACES, Buffer.from(text));
    keptText = text;
  };

  return {
    async start() {
      const kept = await readKept();
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
      if (sources.length > 0 && ctx.clock.monotonic() - keptMs >= KEEP_MS) await keep();
    },
    async stop() {
      const stopped = sources;
      if (stopped.length > 0)
        await keep().catch((error: unknown) => ctx.log.warn(`its places could not be kept: ${errorText(error)}`));
      sources = [];
      for (const source of stopped) await source.close();
    },
  };
});
