import { type Collector, createBatch, definePlugin, ensureCapacity, type PluginContext } from "all-use-agent/sdk";
import { type Ask, type PartName, type Reading, systemParts } from "./parts.ts";

/** The plugin's configuration, defaults filled in. */
export interface SensorsConfig extends Readonly<Record<PartName, boolean>> {
  readonly interval_ms: number;
}

/** How one part is. */
interface Part {
  readonly name: PartName;
  readonly ask: Ask;
  asking: boolean;
  trouble: string | null;
}

/**
 * Asks each part at each tick, unless it has not answered yet, and emits what one says when it says it: one that fails or hangs keeps
 * no other waiting.
 */
export function sensors(
  ctx: PluginContext,
  config: SensorsConfig,
  ask: () => Promise<Readonly<Record<PartName, Ask>>>,
): Collector {
  let parts: Part[] = [];
  let batch = createBatch(64);
  let told = "";

  const tell = (): void => {
    const trouble = parts.flatMap((part) => (part.trouble === null ? [] : [`${part.name}: ${part.trouble}`])).join("; ");
    if (trouble === told) return;
    told = trouble;
    if (trouble) ctx.status("degraded", trouble);
    else ctx.status("ok");
  };

  const emit = (readings: readonly Reading[]): void => {
    batch = ensureCapacity(batch, readings.length);
    batch.length = readings.length;
    const nowMs = ctx.clock.now();
    readings.forEach(({ name, labels, value }, row) => {
      batch.series[row] = ctx.series(name, labels);
      batch.timestamps[row] = nowMs;
      batch.values[row] = value;
    });
    if (readings.length > 0) ctx.emit(batch);
  };

  const run = async (part: Part): Promise<void> => {
    part.asking = true;
    try {
      const readings = await part.ask();
      if (ctx.signal.aborted) return;
      emit(readings);
      part.trouble = null;
    } catch (error) {
      part.trouble = error instanceof Error ? error.message : String(error);
    } finally {
      part.asking = false;
    }
    if (!ctx.signal.aborted) tell();
  };

  return {
    async start() {
      const asks = await ask();
      const names = (Object.keys(asks) as PartName[]).filter((name) => config[name]);
      parts = names.map((name) => ({ name, ask: asks[name], asking: false, trouble: null }));
    },
    collect() {
      for (const part of parts) {
        if (part.asking) part.trouble = "has not answered since the last time it was asked";
        else void run(part);
      }
      tell();
    },
  };
}

export default definePlugin<"collector", SensorsConfig>("collector", (ctx, config) => sensors(ctx, config, systemParts));
