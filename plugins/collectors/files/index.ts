import { batchCollector, definePlugin } from "all-use-agent/sdk";
import type { FileSourceConfig } from "./file-source.ts";

interface Config {
  readonly sources: readonly FileSourceConfig[];
}

export default definePlugin<"collector", Config>("collector", (ctx, { sources }) =>
  batchCollector(ctx, sources, async () => (await import("./file-source.ts")).openFileSource),
);
