/** The composition root: starts one agent. Both shells call this and then only use its door. */
import { join } from "node:path";
import { AgentError, type AgentStatus, type Disposable, type PluginDetail } from "all-use-agent/sdk";
import packageJson from "../package.json" with { type: "json" };
import { AgentCore, SECRETS_NAME } from "./agent/core.ts";
import { startLoop } from "./agent/loop.ts";
import { builtPage, bundledPlugins } from "./agent/paths.ts";
import type { DeskParts } from "./agent/plugin-desk.ts";
import { agentStatus } from "./agent/status.ts";
import { createDoor } from "./api/door.ts";
import { type Door, webDoor } from "./api/exchange.ts";
import { readOrMakeToken } from "./api/token.ts";
import type { AgentView, StreamEvent } from "./api/view.ts";
import { readConfig } from "./host/config-file.ts";
import { type SecretSeal, SecretStore } from "./host/config/secrets.ts";
import { openDataDir } from "./host/data-dir.ts";
import { LogBook } from "./host/log.ts";
import { StartJournal } from "./host/safe-mode/start-journal.ts";
import { RealTime, SimulatedTime } from "./host/time.ts";
import { readAudit } from "./learning/audit-walk.ts";

export interface AgentOptions {
  /** Absolute path of the data folder. */
  readonly dataDir: string;
  readonly shell: "edge" | "desktop";
  /** No collectors, analytics or retention: storage, query and the door only. */
  readonly bare?: boolean;
  readonly simulatedClock?: boolean;
  /** Absolute path; default `<dataDir>/config.json`, which need not exist. */
  readonly configFile?: string;
  readonly auth?: "token" | "none";
  /** Encrypts secrets where the shell can; without one they are kept in clear, in a file of this user alone. */
  readonly secretSeal?: SecretSeal;
  /** Starts every plugin, whatever earlier starts came to. */
  readonly noSafeMode?: boolean;
  /** Whether the machine runs on battery, where the shell knows. */
  readonly onBattery?: () => boolean;
  /** An error in the agent's own code that nobody caught: the shell should stop and exit. */
  readonly onFatal?: (error: unknown) => void;
}

export interface Agent {
  readonly door: Door;
  /** The door for web requests, as Electron's protocol handlers have them. */
  readonly webDoor: (request: Request) => Promise<Response>;
  readonly dataDir: string;
  /** What signs in to the door; null with `auth: "none"`. */
  readonly token: string | null;
  status(): AgentStatus;
  subscribe(listener: (event: StreamEvent) => void): Disposable;
  /** Time passed that could not be watched: sleep, a stopped process. */
  noteGap(fromMs: number, toMs: number, reason: string): void;
  /** Stops everything, losing nothing. Legal twice. */
  stop(): Promise<void>;
}

/** A pause this short between two runs is a restart, not a gap. */
const RESTART_GAP_MIN_MS = 2500;
/** 2026-01-01: where a simulated clock begins. */
const SIMULATED_START_MS = Date.UTC(2026, 0, 1);

/**
 * Starts an agent. Resolves when storage serves and every plugin has started or failed.
 * Throws `data_dir_unwritable`, `data_dir_locked`, `config_invalid`.
 */
export async function startAgent(options: AgentOptions): Promise<Agent> {
  const lock = openDataDir(options.dataDir);
  try {
    return await assemble(options, lock);
  } catch (error) {
    lock.dispose();
    throw error;
  }
}

async function assemble(options: AgentOptions, lock: { dispose(): void }): Promise<Agent> {
  const { dataDir, bare = false } = options;
  const configPath = options.configFile ?? join(dataDir, "config.json");
  const config = await readConfig(configPath, options.configFile !== undefined);
  const token = options.auth === "none" ? null : await readOrMakeToken(dataDir);
  const book = new LogBook(dataDir, config.log_level);
  const time = options.simulatedClock ? new SimulatedTime(SIMULATED_START_MS) : new RealTime();
  const journal = new StartJournal({
    dataDir,
    time: new RealTime(),
    forced: options.noSafeMode ?? false,
    warn: (message) => book.logger("agent").warn(message),
  });
  const secrets = await SecretStore.open(join(dataDir, SECRETS_NAME), options.secretSeal ?? null, (message) =>
    book.logger("config").warn(message),
  );
  const core = new AgentCore({
    dataDir,
    bare,
    version: packageJson.version,
    config,
    configPath,
    secrets,
    time,
    book,
    journal,
    onFatal: options.onFatal ?? (() => {}),
    onBattery: options.onBattery,
  });
  const startedMs = time.now();
  const status = (): AgentStatus => agentStatus(core, startedMs, options.shell);
  await core.start();
  if (!bare) noteRestart(core);
  const loop = bare ? null : startLoop(core);
  let stopped: Promise<void> | null = null;

  const desk: DeskParts = {
    live: core.live,
    packages: core.packages,
    dataDir,
    bare,
    roots: { bundled: bundledPlugins(), installed: core.pluginsDir },
  };
  const pluginById = async (id: string): Promise<PluginDetail> => {
    const { knownPluginOf, pluginDetail } = await import("./agent/plugin-detail.ts");
    return pluginDetail(desk, knownPluginOf(desk, id));
  };
  const view: AgentView = {
    ready: () => stopped === null && core.store() !== null,
    now: () => time.now(),
    status,
    plugins: () => core.host.reports(),
    plugin: pluginById,
    configurePlugin: async (id, change) => (await import("./agent/plugin-desk.ts")).configurePlugin(desk, id, change),
    actOnPlugin: async (id, action) => (await import("./agent/plugin-desk.ts")).actOnPlugin(desk, id, action),
    pluginLog: (id, instance) => core.pluginLog(id, instance),
    panels: () => core.host.panels(),
    recommendations: () => core.desk.list(),
    dismiss: async (id, reason) => core.desk.dismiss(id, reason),
    findings: (fromMs, toMs, limit) => core.findings.between(fromMs, toMs, limit),
    gaps: (fromMs, toMs) => core.store()?.plugin.gaps(fromMs, toMs) ?? [],
    forecast: (expr, horizonMs, stepMs, signal) => core.forecasts.report(expr, horizonMs, stepMs, signal),
    query: core.query,
    storage: () => core.storage(),
    metadata: () => core.metadata(),
    packages: {
      preview: (bytes) => core.packages.preview(bytes),
      install: async (wish) => pluginById((await core.packages.install(wish)).id),
      detail: (id) => core.packages.detail(id),
    },
    audit: async (query) => {
      await core.permissions.flush();
      return readAudit(core.permissions.auditFolder, query);
    },
    route: (method, path) => core.host.route(method, path),
    subscribe: (listener) => core.subscribe(listener),
    advanceClock: async (ms) => {
      if (!(time instanceof SimulatedTime))
        throw new AgentError("clock_not_simulated", "time can be moved only in an agent started with --clock simulated");
      await time.advance(ms);
    },
  };
  const stop = async (): Promise<void> => {
    await loop?.dispose();
    await core.stop();
    journal.stopped();
    book.close();
    lock.dispose();
  };
  journal.ready();
  const door = createDoor(view, { auth: token === null ? { mode: "none" } : { mode: "token", token }, pageDir: builtPage() });
  return {
    door,
    webDoor: webDoor(door),
    dataDir,
    token,
    status,
    subscribe: (listener) => core.subscribe(listener),
    noteGap: (fromMs, toMs, reason) => core.noteGap(fromMs, toMs, reason),
    stop: () => (stopped ??= stop()),
  };
}

/** The time between the last sample of the run before and now was not watched. */
function noteRestart(core: AgentCore): void {
  const nowMs = core.options.time.now();
  const newestMs = core.store()?.plugin.stats().newestMs ?? null;
  if (newestMs !== null && nowMs - newestMs > RESTART_GAP_MIN_MS) core.noteGap(newestMs, nowMs, "the agent was not running");
}
