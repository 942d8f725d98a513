/**
 * The real door with the real page before plugins that are not there: the routes of sdk/wire-plugins.ts, answered from
 * memory. For tests of the page alone; what the agent does behind these routes its own tests say.
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import {
  AgentError,
  type AgentStatus,
  type ConfigChange,
  type ConfigProblem,
  type PackageInstall,
  type PluginAction,
  type PluginDetail,
} from "all-use-agent/sdk";
import { answerError, answerJson } from "../../main/api/answer.ts";
import { readBody } from "../../main/api/body.ts";
import { createDoor } from "../../main/api/door.ts";
import type { Answer, DoorRequest } from "../../main/api/exchange.ts";
import { MemoryAgent, TEST_TOKEN } from "../../main/api/testing.ts";
import { listen } from "../../main/edge/listener.ts";
import { schemaProblems } from "../../main/host/schema.ts";
import {
  type FixturePlugin,
  fixtureLog,
  fixturePlugins,
  instance,
  NOW_MS,
  permission,
  report,
  WEATHER_3,
} from "./plugin-fixture.ts";

const MIB = 2 ** 20;

/** `5m` and `64MB` are the agent's own formats: to a plain validator `duration` is another. The fixture has patterns instead. */
const withoutFormats = (schema: object): object =>
  JSON.parse(JSON.stringify(schema, (key, value: unknown) => (key === "format" ? undefined : value))) as object;

/** Files the door takes for packed plugins: their text. */
export const GOOD_PACKAGE = "packed weather 3.0.0";

export interface FixtureStatus {
  safeMode?: {
    readonly sinceMs: number;
    readonly leftOut: readonly string[];
    readonly suspects: readonly string[];
    readonly reason: string;
  } | null;
}

export class PluginDoor {
  plugins: FixturePlugin[] = fixturePlugins();
  status: FixtureStatus = {};
  /** Every change that was asked for, oldest first: path and body. */
  readonly asked: { readonly path: string; readonly body: unknown }[] = [];
  pageAddress = "";
  private readonly agent = new MemoryAgent();
  private logReads = 0;
  private close: () => Promise<void> = async () => {};

  async start(): Promise<this> {
    const { agent } = this;
    agent.nowMs = NOW_MS;
    agent.panels = () => [];
    agent.plugins = () => this.plugins.flatMap(({ instances }) => instances.flatMap(({ report }) => report ?? []));
    const status = agent.status.bind(agent);
    agent.status = () => this.statusOf(status());
    const door = createDoor(agent, {
      auth: { mode: "token", token: TEST_TOKEN },
      pageDir: join(import.meta.dirname, "../../out/renderer"),
    });
    const listener = await listen(0, async (request) => (await this.answer(request)) ?? door(request));
    const timer = setInterval(() => this.tick(), 1000);
    this.close = async () => {
      clearInterval(timer);
      await listener.close();
    };
    this.pageAddress = `http://127.0.0.1:${listener.port}/?token=${TEST_TOKEN}`;
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  find(id: string): FixturePlugin {
    const found = this.plugins.find((one) => one.id === id);
    if (!found) throw new AgentError("plugin_unknown", `There is no plugin ${JSON.stringify(id)}.`, { where: "id" });
    return found;
  }

  private statusOf(status: AgentStatus): AgentStatus {
    return {
      ...status,
      startedMs: NOW_MS - 47 * 60_000,
      newestSampleMs: NOW_MS - 400,
      cost: { cpuPercent: 0.71, residentBytes: 68.2e6, diskBytes: 412e6, eventLoopDelayP99Ms: 3 },
      storage: { ...status.storage, series: 1284, samplesPerSecond: 648, oldestMs: NOW_MS - 38 * 86_400_000 },
      ...this.status,
    };
  }

  private tick(): void {
    const { cost, newestSampleMs } = this.agent.status();
    this.agent.tell({ type: "tick", data: { nowMs: NOW_MS, newestSampleMs, panels: [], cost } });
  }

  /** Null for what the real door answers. */
  private async answer(request: DoorRequest): Promise<Answer | null> {
    const url = new URL(request.url);
    const path = decodeURIComponent(url.pathname);
    const [, id, rest] = /^\/api\/agent\/plugins\/([^/]+\/[^/]+)(?:\/(config|action|log))?$/.exec(path) ?? [];
    try {
      if (path === "/api/agent/packages") return answerJson(200, await this.preview(request));
      if (path === "/api/agent/packages/install")
        return answerJson(200, this.install(await this.body<PackageInstall>(request, path)));
      if (id === undefined) return null;
      const plugin = this.find(id);
      if (rest === undefined) return answerJson(200, plugin);
      if (rest === "log") return answerJson(200, fixtureLog(plugin, this.logReads++));
      if (rest === "config") return this.configure(plugin, await this.body<ConfigChange>(request, path));
      return answerJson(200, this.act(plugin, await this.body<PluginAction>(request, path)));
    } catch (error) {
      return answerError(path, error);
    }
  }

  private async body<T>(request: DoorRequest, path: string): Promise<T> {
    const body = JSON.parse(Buffer.from(await readBody(request, { sentBytes: MIB, plainBytes: MIB })).toString()) as T;
    if (!(body as ConfigChange).check) this.asked.push({ path, body });
    return body;
  }

  /** The problems in the agent's words, defaults filled in before as it does. */
  private configure(plugin: FixturePlugin, { instance: name = "default", config, secrets = {}, check }: ConfigChange): Answer {
    const schema = plugin.configSchema as { properties?: Record<string, { default?: unknown }> };
    const defaults = Object.entries(schema.properties ?? {}).filter(([, property]) => property.default !== undefined);
    const filled = { ...Object.fromEntries(defaults.map(([key, property]) => [key, property.default])), ...config };
    const problems: ConfigProblem[] = schemaProblems(withoutFormats({ additionalProperties: false, ...schema }), filled);
    if (check === true) return answerJson(200, { problems });
    if (problems.length > 0) return answerJson(422, { problems });
    const one = plugin.instances.find((known) => known.instance === name)!;
    one.config = config;
    one.problems = [];
    const kept = new Set([...one.secrets, ...Object.keys(secrets)]);
    one.secrets = [...kept].filter((key) => secrets[key] !== null);
    this.run(plugin, one);
    return answerJson(200, plugin);
  }

  private run(plugin: FixturePlugin, one: FixturePlugin["instances"][number]): void {
    one.report = report(plugin, one.instance, one.enabled ? { cpu: 0.2, samples: 4 } : { state: "stopped" });
    this.agent.tell({ type: "plugins", data: { plugins: this.agent.plugins() } });
  }

  private act(plugin: FixturePlugin, action: PluginAction): PluginDetail | { removed: string } {
    if (action.action === "grant") {
      plugin.permissions = plugin.permissions.map((one) => ({ ...one, granted: action.permissions.includes(one.permission) }));
      for (const one of plugin.instances) this.run(plugin, one);
      return plugin;
    }
    if (action.action === "add_instance") {
      if (!/^[a-z][a-z0-9-]*$/.test(action.instance))
        throw new AgentError(
          "instance_invalid",
          `${JSON.stringify(action.instance)} is no name for an instance: use small letters, digits and -.`,
        );
      const fresh = instance(plugin, action.instance, {
        state: "failed",
        code: "plugin_config_invalid",
        reason: 'its configuration is not valid at /: "targets" is missing',
      });
      plugin.instances.push({ ...fresh, problems: [{ where: "/", message: '"targets" is missing' }] });
      return plugin;
    }
    const name = action.instance ?? "default";
    if (action.action === "remove") {
      if (action.instance === undefined) {
        this.plugins = this.plugins.filter((one) => one !== plugin);
        return { removed: plugin.id };
      }
      plugin.instances = plugin.instances.filter((one) => one.instance !== name);
      return plugin;
    }
    const one = plugin.instances.find((known) => known.instance === name)!;
    one.enabled = action.action !== "disable";
    this.run(plugin, one);
    return plugin;
  }

  private async preview(request: DoorRequest): Promise<unknown> {
    const bytes = await readBody(request, { sentBytes: MIB, plainBytes: MIB });
    if (Buffer.from(bytes).toString() !== GOOD_PACKAGE) {
      const sum = createHash("sha256").update(bytes).digest("hex").slice(0, 8);
      throw new AgentError("package_invalid", `The file (${sum}…) is not a packed plugin: it does not begin as one.`);
    }
    return WEATHER_3;
  }

  private install({ permissions }: PackageInstall): PluginDetail {
    const plugin = this.find(WEATHER_3.id);
    plugin.version = WEATHER_3.version;
    plugin.permissions = WEATHER_3.permissions
      .filter(({ change }) => change !== "dropped")
      .map((one) => permission(one.permission, one.sentence, 0, { granted: permissions.includes(one.permission) }));
    for (const one of plugin.instances) this.run(plugin, one);
    return plugin;
  }
}
