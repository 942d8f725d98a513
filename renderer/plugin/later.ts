import type { PluginDetail, PluginInstanceReport } from "all-use-agent/sdk";
import type { JsonObject } from "../form/json.ts";

/** Why what is set does not count yet, in a sentence; null when it does. Agents before this was said leave it out. */
export const pendingOf = (instance: PluginInstanceReport & { readonly pending?: string | null }): string | null =>
  instance.pending ?? null;

/** What is set for the plugin as a whole; named instances have it under their own. Likewise. */
export const sharedOf = (detail: PluginDetail & { readonly sharedConfig?: Readonly<Record<string, unknown>> }): JsonObject =>
  (detail.sharedConfig ?? {}) as JsonObject;
