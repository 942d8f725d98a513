import {
  type ConfigProblem,
  type Manifest,
  parseNetwork,
  type Priority,
  type StrategyMode,
  strategySchema,
  type STRATEGY_TOPICS,
} from "all-use-agent/sdk";
import { settleConfig } from "../plugin-config.ts";
import type { Strategy } from "./strategy.ts";

type Json = Readonly<Record<string, unknown>>;

const DEFAULT_INTERVAL_MS = 1000;
/** Within PromQL's lookback of 5 minutes, so that what is read no more often never looks as if it had ended. */
export const UNASKED_INTERVAL_MAX_MS = 4 * 60_000;

/** What counts in some modes only. */
const MODES_OF: Readonly<Record<string, readonly StrategyMode[]>> = {
  interval: ["periodic", "adaptive", "event", "threshold"],
  jitter: ["periodic", "adaptive", "threshold"],
  phase: ["periodic", "adaptive", "threshold"],
  min_interval: ["adaptive", "event"],
  max_interval: ["adaptive"],
  tolerance: ["adaptive"],
  stable_readings: ["adaptive"],
  hold: ["adaptive"],
  battery_factor: ["adaptive"],
  on: ["event"],
  watch: ["event"],
  debounce: ["event"],
  when: ["threshold"],
  check_interval: ["threshold"],
  for: ["threshold"],
  idle_interval: ["threshold"],
};

/** Where a part of a strategy may be said; the later ones count more. */
export interface StrategyLayers {
  readonly manifest?: Json | undefined;
  readonly plugin?: Json | undefined;
  readonly instance?: Json | undefined;
}

/** A layer's values with durations as numbers of milliseconds. */
interface Given {
  readonly mode?: StrategyMode;
  readonly interval?: number;
  readonly jitter?: number;
  readonly phase?: number;
  readonly deadline?: number;
  readonly priority?: Priority;
  readonly requires_network?: boolean;
  readonly retry?: { readonly attempts?: number; readonly base?: number; readonly max?: number };
  readonly circuit?: { readonly max_ticks?: number; readonly open_after?: number; readonly probe_interval?: number };
  readonly min_interval?: number;
  readonly max_interval?: number;
  readonly tolerance?: number;
  readonly stable_readings?: number;
  readonly hold?: number;
  readonly battery_factor?: number;
  readonly on?: readonly (typeof STRATEGY_TOPICS)[number][];
  readonly watch?: string;
  readonly debounce?: number;
  readonly when?: string;
  readonly check_interval?: number;
  readonly for?: number;
  readonly idle_interval?: number;
}

/**
 * A collector's strategy of what its manifest, the operator's settings of the plugin and those of the instance say, property by property;
 * and everything that is wrong, by JSON pointers that begin with `/strategy`. A layer that says another mode than the one below takes
 * only what has to do with its mode. `ownIntervalMs` is `interval_ms` of the plugin's configuration.
 */
export function settleStrategy(
  manifest: Pick<Manifest, "id" | "kind" | "permissions" | "exec">,
  layers: StrategyLayers,
  ownIntervalMs: unknown,
): { strategy: Strategy | null; problems: ConfigProblem[] } {
  const given = [layers.manifest, layers.plugin, layers.instance].filter((layer) => layer !== undefined);
  const unfit = unfitness(manifest);
  if (unfit !== null) {
    const problems = given.length > 0 ? [{ where: "/strategy", message: unfit }] : [];
    return { strategy: manifest.kind === "collector" ? complete(manifest, {}, new Set(), ownIntervalMs) : null, problems };
  }
  const problems: ConfigProblem[] = [];
  const read = given.map((layer) => readLayer(manifest.id, layer, problems));
  const modes: StrategyMode[] = [];
  for (const layer of read) modes.push(layer.mode ?? modes.at(-1) ?? "periodic");
  const mode = modes.at(-1) ?? "periodic";
  const merged: Record<string, unknown> = {};
  const ofManifest = new Set<string>();
  read.forEach((layer, i) => {
    for (const [name, value] of Object.entries(layer)) {
      if (!counts(name, modes[i])) problems.push(misplaced(name, modes[i]));
      if (!counts(name, mode)) continue;
      const before = merged[name];
      merged[name] = isObject(before) && isObject(value) ? { ...before, ...value } : value;
      if (given[i] === layers.manifest) ofManifest.add(name);
      else ofManifest.delete(name);
    }
  });
  const whole: Given = { ...merged, mode };
  if (problems.length === 0) problems.push(...contradictions(whole, ownIntervalMs));
  return { strategy: problems.length === 0 ? complete(manifest, whole, ofManifest, ownIntervalMs) : null, problems };
}

/** Why nothing can be said of when a plugin is read; null when something can. */
function unfitness({ kind, exec }: Pick<Manifest, "kind" | "exec">): string | null {
  if (kind !== "collector") return `a strategy says when a collector is read, and this is a ${kind}: take it out`;
  if (exec?.mode === "stream") return "a program that runs all the time says itself when it prints: take the strategy out";
  return null;
}

function readLayer(id: string, layer: Json, problems: ConfigProblem[]): Given {
  const { config, problems: found } = settleConfig({ id, config: strategySchema } as unknown as Manifest, layer, {
    dataDir: "/",
  });
  problems.push(...found.map(({ where, message }) => ({ where: `/strategy${where === "/" ? "" : where}`, message })));
  return config;
}

function counts(name: string, mode: StrategyMode): boolean {
  return MODES_OF[name]?.includes(mode) ?? true;
}

function misplaced(name: string, mode: StrategyMode): ConfigProblem {
  const modes = MODES_OF[name].join(" and ");
  return {
    where: `/strategy/${name}`,
    message: `"${name}" is of mode ${modes}, and the mode is ${mode}: take it out, or change the mode`,
  };
}

/** What each value allows by itself and all of them together do not. */
function contradictions(given: Given, ownIntervalMs: unknown): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const say = (name: string, message: string): void => void problems.push({ where: `/strategy/${name}`, message });
  const intervalMs = given.interval ?? plain(ownIntervalMs);
  if (given.mode === "adaptive" && given.max_interval !== undefined && given.max_interval < (given.min_interval ?? intervalMs))
    say(
      "max_interval",
      `expected at least the fastest pace, ${given.min_interval ?? intervalMs} ms, found ${given.max_interval} ms`,
    );
  if (given.mode === "event" && given.on === undefined && given.watch === undefined)
    say("on", `an event must be named: "on" with finding, gap or recommendation, or "watch" with a file`);
  if (given.mode === "threshold" && given.when === undefined) say("when", `"when" is missing: the condition in PromQL`);
  if (given.mode === "threshold" && given.idle_interval !== undefined && given.idle_interval < intervalMs)
    say(
      "idle_interval",
      `expected at least the interval while the condition holds, ${intervalMs} ms, found ${given.idle_interval} ms`,
    );
  const { base = RETRY.baseMs, max = Math.max(RETRY.maxMs, base) } = given.retry ?? {};
  if (max < base) say("retry/max", `expected at least retry.base, ${base} ms, found ${max} ms`);
  return problems;
}

const RETRY = { attempts: 3, baseMs: 200, maxMs: 10_000 };

function complete(
  manifest: Pick<Manifest, "permissions">,
  given: Given,
  ofManifest: ReadonlySet<string>,
  ownIntervalMs: unknown,
): Strategy {
  const { retry = {}, circuit = {} } = given;
  const intervalMs = given.interval ?? plain(ownIntervalMs);
  const baseMs = retry.base ?? RETRY.baseMs;
  const common = {
    intervalMs,
    jitterMs: given.jitter ?? 0,
    phaseMs: given.phase ?? 0,
    deadlineMs: given.deadline ?? null,
    priority: given.priority ?? "normal",
    network: needsNetwork(manifest, given.requires_network),
    retry: { attempts: retry.attempts ?? RETRY.attempts, baseMs, maxMs: retry.max ?? Math.max(RETRY.maxMs, baseMs) },
    circuit: {
      maxTicks: circuit.max_ticks ?? 64,
      // 2^6 = 64: when the interval grows no more.
      openAfter: circuit.open_after ?? 7,
      probeMs: circuit.probe_interval ?? null,
    },
    ofManifest,
  } as const;
  switch (given.mode) {
    case "adaptive": {
      const minMs = given.min_interval ?? intervalMs;
      return {
        ...common,
        mode: "adaptive",
        minMs,
        maxMs: given.max_interval ?? Math.max(minMs, UNASKED_INTERVAL_MAX_MS),
        tolerance: given.tolerance ?? 0.01,
        stableReadings: given.stable_readings ?? 5,
        holdMs: given.hold ?? 5 * 60_000,
        batteryFactor: given.battery_factor ?? 4,
      };
    }
    case "event":
      return {
        ...common,
        mode: "event",
        on: given.on ?? [],
        watch: given.watch ?? null,
        debounceMs: given.debounce ?? 1000,
        minMs: given.min_interval ?? 10_000,
        heartbeatMs: given.interval ?? null,
      };
    case "threshold":
      return {
        ...common,
        mode: "threshold",
        when: given.when ?? "",
        checkMs: given.check_interval ?? 10_000,
        forMs: given.for ?? 30_000,
        idleMs: given.idle_interval ?? null,
      };
    case "on_demand":
      return { ...common, mode: "on_demand" };
    default:
      return { ...common, mode: "periodic" };
  }
}

/** What permissions lead to beside this machine itself needs a network. */
function needsNetwork({ permissions }: Pick<Manifest, "permissions">, said: boolean | undefined): Strategy["network"] {
  if (said !== undefined) return said ? "required" : "none";
  const outward = permissions?.some((one) => {
    if (one !== "net" && !one.startsWith("net:")) return false;
    const host = parseNetwork(one.slice(4) || "*")?.host ?? null;
    return host === null || !/^(localhost|.*\.localhost|127\..*|\[::1\])$/.test(host);
  });
  return outward ? "assumed" : "none";
}

function plain(intervalMs: unknown): number {
  return typeof intervalMs === "number" ? intervalMs : DEFAULT_INTERVAL_MS;
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
