import type { AgentStatus, PluginReport, PluginState } from "all-use-agent/sdk";

const OFF: ReadonlySet<PluginState> = new Set(["stopped", "stopping"]);
const LOOK: ReadonlySet<PluginState> = new Set(["failed", "degraded"]);
const DEFAULT = "default";

export const isOff = (plugin: PluginReport): boolean => OFF.has(plugin.state);
export const needsLook = (plugin: PluginReport): boolean => LOOK.has(plugin.state);

/** `collectors/ping#lan` is the instance `lan` of `collectors/ping`; without a name it is the one called `default`. */
export const baseOf = (id: string): string => id.split("#", 1)[0];
export const instanceOf = (id: string): string => (id.includes("#") ? id.slice(id.indexOf("#") + 1) : DEFAULT);
export const instanceIdOf = (base: string, instance: string): string => (instance === DEFAULT ? base : `${base}#${instance}`);

/** A plugin with its instances: the unnamed one first, then by name. */
export interface PluginGroup {
  readonly id: string;
  readonly title: string;
  readonly reports: readonly PluginReport[];
}

/** What needs a look, then most CPU first, what is off last; among equals by name, so that idle ones do not change places. */
export function inGroups(plugins: readonly PluginReport[]): readonly PluginGroup[] {
  const groups = new Map<string, PluginReport[]>();
  for (const one of plugins) groups.set(baseOf(one.id), [...(groups.get(baseOf(one.id)) ?? []), one]);
  const cpu = ({ reports }: PluginGroup): number =>
    Math.round(reports.reduce((sum, one) => sum + one.cost.cpuMsPerSecond, 0) * 100);
  const look = ({ reports }: PluginGroup): number =>
    Math.max(...reports.map((one) => (isOff(one) ? -1 : one.state === "failed" ? 2 : Number(needsLook(one)))));
  return [...groups]
    .map(([id, reports]): PluginGroup => {
      const sorted = reports.toSorted((a, b) => Number(a.id !== id) - Number(b.id !== id) || a.id.localeCompare(b.id));
      return { id, title: sorted[0].title, reports: sorted };
    })
    .toSorted((a, b) => look(b) - look(a) || cpu(b) - cpu(a) || a.title.localeCompare(b.title));
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

/** One percent of a core is ten milliseconds of CPU a second. */
const MS_PER_S_OF_PERCENT = 10;

export interface CostSplit {
  /** CPU of the agent's own process that no plugin accounts for: runtime, page, storage on disk. */
  readonly restMsPerSecond: number;
  readonly togetherMsPerSecond: number;
  /** Resident memory of all processes. */
  readonly residentBytes: number;
  /** Of which in processes of plugins; null when there are none. */
  readonly pluginsBytes: number | null;
}

/** The agent's process costs what it costs, its plugins inside included; those in processes of their own come on top. */
export function splitCost(cost: AgentStatus["cost"], plugins: readonly PluginReport[]): CostSplit {
  const sum = (list: readonly PluginReport[], of: (plugin: PluginReport) => number): number =>
    list.reduce((total, one) => total + of(one), 0);
  const outside = plugins.filter((one) => one.isolation !== undefined);
  const inside = plugins.filter((one) => one.isolation === undefined);
  const ownMsPerSecond = cost.cpuPercent * MS_PER_S_OF_PERCENT;
  const insideMsPerSecond = sum(inside, (one) => one.cost.cpuMsPerSecond);
  const pluginsBytes = sum(outside, (one) => (isOff(one) ? 0 : (one.isolation?.residentBytes ?? 0)));
  return {
    restMsPerSecond: Math.max(0, ownMsPerSecond - insideMsPerSecond),
    togetherMsPerSecond: Math.max(ownMsPerSecond, insideMsPerSecond) + sum(outside, (one) => one.cost.cpuMsPerSecond),
    residentBytes: cost.residentBytes + pluginsBytes,
    pluginsBytes: outside.length > 0 ? pluginsBytes : null,
  };
}

/** The same for the page's sentences: what the agent and all its processes cost. */
export function wholeCost(cost: AgentStatus["cost"], plugins: readonly PluginReport[]): AgentStatus["cost"] {
  const { togetherMsPerSecond, residentBytes } = splitCost(cost, plugins);
  return { ...cost, cpuPercent: togetherMsPerSecond / MS_PER_S_OF_PERCENT, residentBytes };
}
