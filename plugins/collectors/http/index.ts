import { batchCollector, definePlugin } from "all-use-agent/sdk";
import type { HttpSourceConfig } from "./http-source.ts";

interface Config {
  readonly sources: readonly HttpSourceConfig[];
}

export default definePlugin<"collector", Config>("collector", (ctx, { sources }) =>
  batchCollector(ctx, sources, async () => (await import("./http-source.ts")).openHttpSource),
);
