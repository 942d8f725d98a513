import { batchCollector, definePlugin } from "all-use-agent/sdk";
import type { SqlSourceConfig } from "./sql-source.ts";

interface Config {
  readonly sources: readonly SqlSourceConfig[];
}

/** Beside this file, in the sources as in the build. */
const WORKER = new URL(import.meta.url.endsWith(".ts") ? "./sql-worker.ts" : "./sql-worker.js", import.meta.url);

export default definePlugin<"collector", Config>("collector", (ctx, { sources }) =>
  batchCollector(ctx, sources, async () => (await import("./sql-source.ts")).sqlSources(WORKER)),
);
