import { batch, computed, signal, type Signal } from "@preact/signals";
import type { AgentStatus, FindingReport, GapReport, PanelReport, PluginReport, RecommendationReport } from "all-use-agent/sdk";
import { dayAround } from "../format.ts";
import { ApiError, getJson, postJson } from "./api.ts";
import { withFinding, withRecommendation } from "./merge.ts";
import { connection, onCatchUp, onEvent, startStream, type Tick } from "./stream.ts";

/** What the page knows of the agent. Null until first read; kept and shown when a later read fails. */
export const status = signal<AgentStatus | null>(null);
export const panels = signal<readonly PanelReport[] | null>(null);
export const plugins = signal<readonly PluginReport[] | null>(null);
export const recommendations = signal<readonly RecommendationReport[] | null>(null);
/** Of the local day, newest first. */
export const findings = signal<readonly FindingReport[] | null>(null);
/** Of the local day. */
export const gaps = signal<readonly GapReport[] | null>(null);
export const tick = signal<Tick | null>(null);

/** What could not be read, by what it is; empty when all is well. */
export const failures = signal<Readonly<Record<string, string>>>({});

/** The agent's clock, once a second. Its clock, not the browser's: they differ, and a simulated one differs a lot. */
export const now = signal(Date.now());
let clockOffsetMs = 0;

export const agentNow = (): number => Date.now() + clockOffsetMs;

export const newestSampleMs = computed(() => tick.value?.newestSampleMs ?? status.value?.newestSampleMs ?? null);
export const cost = computed(() => tick.value?.cost ?? status.value?.cost ?? null);

/** A sample older than this is not "now" any more: ten collections were missed. */
const STALE_MS = 10_000;

export const stale = computed(() => newestSampleMs.value !== null && now.value - newestSampleMs.value > STALE_MS);

/** The moment up to which the page is true: where "now" stands on every chart. */
export const edge = computed(() => {
  const newest = newestSampleMs.value;
  if (newest !== null && (connection.value === "lost" || stale.value)) return newest;
  return now.value;
});

async function read<T, A>(name: string, path: string, target: Signal<T | null>, take: (answer: A) => T): Promise<void> {
  try {
    const answer = await getJson<A>(path);
    batch(() => {
      target.value = take(answer);
      if (name in failures.value)
        failures.value = Object.fromEntries(Object.entries(failures.value).filter(([key]) => key !== name));
    });
  } catch (error) {
    if (error instanceof ApiError && (error.status === 401 || error.code === "offline")) return;
    failures.value = { ...failures.value, [name]: error instanceof Error ? error.message : String(error) };
  }
}

function takeStatus(answer: AgentStatus): AgentStatus {
  clockOffsetMs = answer.nowMs - Date.now();
  now.value = answer.nowMs;
  return answer;
}

const readPanels = (): Promise<void> =>
  read<readonly PanelReport[], { panels: readonly PanelReport[] }>("panels", "/api/agent/panels", panels, (a) => a.panels);

/** Also after a change, so that the list says it at once. */
export const readPlugins = (): Promise<void> =>
  read<readonly PluginReport[], { plugins: readonly PluginReport[] }>("plugins", "/api/agent/plugins", plugins, (a) => a.plugins);

const readRecommendations = (): Promise<void> =>
  read<readonly RecommendationReport[], { recommendations: readonly RecommendationReport[] }>(
    "recommendations",
    "/api/agent/recommendations",
    recommendations,
    (a) => a.recommendations,
  );

const readStatus = (): Promise<void> => read<AgentStatus, AgentStatus>("status", "/api/agent/status", status, takeStatus);

function readDay(): Promise<unknown> {
  const { fromMs, toMs } = dayAround(agentNow());
  const query = `?from=${fromMs}&to=${toMs}`;
  return Promise.all([
    read<readonly FindingReport[], { findings: readonly FindingReport[] }>(
      "findings",
      `/api/agent/findings${query}`,
      findings,
      (a) => a.findings,
    ),
    read<readonly GapReport[], { gaps: readonly GapReport[] }>("gaps", `/api/agent/gaps${query}`, gaps, (a) => a.gaps),
  ]);
}

/** Reads everything. What fails is noted in `failures`; the rest stands. */
export async function readAll(): Promise<void> {
  await Promise.all([readStatus().then(readDay), readPanels(), readPlugins(), readRecommendations()]);
}

/** Throws `ApiError` when the agent would not. */
export async function dismiss(id: string, reason: string): Promise<void> {
  await postJson(`/api/agent/recommendations/${encodeURIComponent(id)}/dismiss`, { reason });
  await readRecommendations();
}

/** What a tick does not carry and nobody sends: gaps, plugin costs, counters, a new day. */
const SLOW_MS = 30_000;
/** Costs of plugins are means over a while; more often would show nothing new. */
const PLUGINS_MS = 5000;

/** Keeps the costs in the list of plugins fresh while somebody looks at it. Returns how to stop. */
export function watchPlugins(): () => void {
  const timer = setInterval(() => !document.hidden && connection.peek() === "live" && void readPlugins(), PLUGINS_MS);
  return () => clearInterval(timer);
}

export function startAgent(): void {
  onEvent("tick", (data) => {
    clockOffsetMs = data.nowMs - Date.now();
    batch(() => {
      tick.value = data;
      now.value = data.nowMs;
    });
  });
  onEvent("finding", (finding) => (findings.value = withFinding(findings.value ?? [], finding)));
  onEvent("recommendation", (one) => (recommendations.value = withRecommendation(recommendations.value ?? [], one)));
  onEvent("plugins", (data) => {
    plugins.value = data.plugins;
    // A plugin that came or went brought or took its panels.
    void readPanels();
  });
  onCatchUp(() => void readAll());
  setInterval(() => {
    // While ticks come they carry the time; without them ages still have to grow.
    if (!document.hidden && connection.peek() !== "live") now.value = agentNow();
  }, 1000);
  setInterval(() => {
    if (document.hidden || connection.peek() !== "live") return;
    void readStatus().then(readDay);
    void readPlugins();
  }, SLOW_MS);
  startStream();
  void readAll();
}
