import type { PluginContext } from "../context.ts";
import type { Collector } from "../kinds.ts";
import type { BatchSource, BatchSourceConfig } from "./types.ts";
import type * as works from "./batch-works.ts";

/** Everything that authors of batch collectors need beside the types; loaded when a source is configured. */
export type BatchTools = typeof works;

/** How a plugin makes a source of a part of its configuration. `mapped`: its rows go through the mapping. */
export type OpenSource<C extends BatchSourceConfig> = (
  ctx: PluginContext,
  config: C,
  tools: BatchTools,
) => { readonly source: BatchSource; readonly mapped: boolean };

/**
 * A collector that reads sources on schedules: `sources` is what the operator configured. It sees to schedules, missed
 * runs, marks over a restart, mapping, rejected rows, figures (`alluse_batch_*`, which the manifest declares) and status. A
 * mark is kept only after `ctx.flush()` of what it covers, so that kill −9 loses nothing, and samples read twice are the same.
 *
 * Nothing but this file is loaded while there are no sources; `load` may import the plugin's own code.
 */
export function batchCollector<C extends BatchSourceConfig>(
  ctx: PluginContext,
  sources: readonly C[],
  load: () => Promise<OpenSource<C>>,
): Collector {
  let atWork: works.BatchWorks | null = null;
  return {
    async start(signal) {
      if (sources.length === 0) return;
      const [tools, open] = await Promise.all([import("./batch-works.ts"), load()]);
      const made = new tools.BatchWorks(ctx);
      for (const config of sources) made.add(config, () => open(ctx, config, tools));
      signal.throwIfAborted();
      atWork = made;
      await made.start();
    },
    async stop() {
      await atWork?.stop();
    },
    async handle(request, signal) {
      if (atWork === null) return { status: 200, contentType: "application/json", body: '{"sources":[]}' };
      return atWork.handle(request, signal);
    },
  };
}
