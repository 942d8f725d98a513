import type { PluginReport, PluginState } from "all-use-agent/sdk";

const OFF: ReadonlySet<PluginState> = new Set(["stopped", "stopping"]);
const LOOK: ReadonlySet<PluginState> = new Set(["failed", "degraded"]);

export const isOff = (plugin: PluginReport): boolean => OFF.has(plugin.state);
export const needsLook = (plugin: PluginReport): boolean => LOOK.has(plugin.state);

/** What needs a look, then most CPU first; among equals by name, so that idle ones do not change places. */
export function inOrder(plugins: readonly PluginReport[]): readonly PluginReport[] {
  const rounded = (plugin: PluginReport): number => Math.round(plugin.cost.cpuMsPerSecond * 100);
  const look = (plugin: PluginReport): number => (plugin.state === "failed" ? 2 : Number(needsLook(plugin)));
  return plugins.toSorted((a, b) => look(b) - look(a) || rounded(b) - rounded(a) || a.title.localeCompare(b.title));
}

export interface Counts {
  readonly run: number;
  readonly look: number;
  readonly off: number;
}

export function countStates(plugins: readonly PluginReport[]): Counts {
  const look = plugins.filter(needsLook).length;
  const off = plugins.filter(isOff).length;
  return { run: plugins.length - look - off, look, off };
}
