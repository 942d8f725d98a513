/** Live changes of settings, in the agent and in processes of their own. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Batch, Logger, PluginReport, SeriesInfo } from "all-use-agent/sdk";
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { watchStalls } from "../../test/support/stalls.ts";
import type { AllSettings, PluginSettings } from "./config/settings.ts";
import { lateDocuments } from "./documents.ts";
import { type HostOptions, PluginHost } from "./host.ts";
import { privateStore } from "./private-store.ts";
import { RealTime } from "./time.ts";

interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly timestampMs: number;
  readonly value: number;
}

/** Many times what it takes: a machine that is held up is no failure. */
const WITHIN = { timeout: 60_000, interval: 20 };

let dataDir: string;
let host: PluginHost;
let samples: Sample[];
let logged: string[];
let secrets: Record<string, Record<string, string>>;
let migrations: { id: string; from: number; settings: PluginSettings }[];

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "alluse-reconfigure-"));
  samples = [];
  logged = [];
  secrets = {};
  migrations = [];
});

afterEach(async () => {
  await host.stop();
  await rm(dataDir, { recursive: true });
});

async function plugin(id: string, code: string, manifest: Record<string, unknown> = {}): Promise<void> {
  const folder = join(dataDir, "plugins", ...id.split("/"));
  await mkdir(folder, { recursive: true });
  const kinds: Record<string, string> = { collectors: "collector", storage: "storage", exporters: "exporter" };
  const whole = {
    id,
    version: "1.0.0",
    api: 1,
    kind: kinds[id.split("/")[0]],
    entry: "index.mjs",
    title: id,
    stability: "beta",
    metrics: { demo_value: { type: "gauge", help: "A demonstration." } },
    ...manifest,
  };
  await writeFile(join(folder, "plugin.json"), JSON.stringify(whole));
  await writeFile(join(folder, "index.mjs"), code);
}

async function start(
  settings: AllSettings,
  origin: "bundled" | "installed" = "bundled",
  more: Partial<HostOptions> = {},
): Promise<void> {
  const infos: SeriesInfo[] = [];
  const write = (message: string, fields?: object): void => void logged.push(`${message} ${JSON.stringify(fields ?? {})}`);
  const log: Logger = { debug: write, info: write, warn: write, error: write };
  host = new PluginHost({
    roots: [{ path: join(dataDir, "plugins"), origin }],
    dataDir,
    time: new RealTime(),
    random: Math.random,
    log: () => log,
    store: (id) => privateStore(join(dataDir, "state", id)),
    settings,
    secrets: (key) => secrets[key] ?? {},
    migrated: (id, from, after) => Promise.resolve(void migrations.push({ id, from, settings: after })),
    bare: false,
    changed: () => {},
    unowned: (error) => {
      throw error;
    },
    services: {
      registerSeries: (name, labels, metric) => infos.push({ name, labels, ...metric }) - 1,
      seriesInfo: (id) => infos[id],
      emit: (batch: Batch) => {
        for (let i = 0; i < batch.length; i++) {
          const { name, labels } = infos[batch.series[i]];
          samples.push({ name, labels, timestampMs: batch.timestamps[i], value: batch.values[i] });
        }
        return 0;
      },
      flush: () => Promise.resolve(),
      queriedMetrics: () => [],
      query: () => Promise.resolve([]),
      queryRange: () => Promise.resolve([]),
      latest: () => {},
      publish: () => {},
      on: () => ({ dispose: () => {} }),
      documents: lateDocuments(() => null),
    },
    ...more,
  });
  await host.start();
  await host.startInstalled();
}

const report = (id: string): PluginReport | undefined => host.reports().find((one) => one.id === id);

const reasonOf = (id: string): string => report(id)?.reason ?? "";

/** Counts its readings over restarts of itself, and says with which configuration it runs. */
const COUNTER = `export default (ctx, config) => {
  if (config.level === 13) throw new Error("13 brings bad luck");
  const id = ctx.series("demo_value", { level: String(config.level) });
  const batch = { length: 1, series: new Uint32Array([id]), timestamps: new Float64Array(1), values: new Float64Array(1) };
  let count = 0;
  return {
    restore(bytes) { count = bytes[0]; }, snapshot: () => new Uint8Array([count]),
    collect() { ctx.status("degraded", "level " + config.level + " of " + ctx.id + " " + ctx.instance); batch.timestamps[0] = ctx.clock.now(); batch.values[0] = ++count; ctx.emit(batch); },
  };
};`;
const COUNTER_MANIFEST = {
  config: {
    type: "object",
    properties: { interval_ms: { type: "integer", default: 200 }, level: { type: "integer", default: 1 } },
  },
};

describe.each(["bundled", "installed"] as const)("a %s collector", (origin) => {
  it("goes over to another configuration without missing a tick, and only when its own changed", async () => {
    await plugin("collectors/counter", COUNTER, COUNTER_MANIFEST);
    await plugin("collectors/other", COUNTER, COUNTER_MANIFEST);
    await start({}, origin);
    await vi.waitFor(() => expect(samples.length).toBeGreaterThan(3), WITHIN);
    await vi.waitFor(() => expect(reasonOf("collectors/other")).toBe("level 1 of collectors/other default"), WITHIN);
    const stalls = watchStalls();
    onTestFinished(() => stalls.stop());
    const other = report("collectors/other")!.sinceMs;
    for (const level of [2, 3, 4]) {
      const outcomes = await host.reconfigure({ "collectors/counter": { config: { level } } });
      expect(outcomes).toEqual([{ key: "collectors/counter", change: "replaced", error: null }]);
      await vi.waitFor(() => expect(samples.some(({ labels }) => labels["level"] === String(level))).toBe(true), WITHIN);
    }
    expect(report("collectors/other")!.sinceMs).toBe(other);
    await vi.waitFor(() => expect(reasonOf("collectors/counter")).toBe("level 4 of collectors/counter default"), WITHIN);
    // Each reading counts one up: a missing or doubled one would show in the numbers.
    const ticks = samples
      .filter(({ labels }) => labels["level"] !== "1")
      .map(({ timestampMs }) => Math.floor((timestampMs + 2) / 200));
    expect(new Set(ticks).size).toBe(ticks.length);
    // While this process was held up, so were its ticks.
    const excused = (3 * stalls.heldUpMs) / 200;
    expect(ticks.at(-1)! - ticks[0]).toBeLessThanOrEqual(ticks.length + skipped() + excused);
  });

  const skipped = (): number => host.reports().reduce((sum, { cost }) => sum + cost.skipped, 0) + 1;

  it("runs on as it was when the new configuration does not start or is not valid", async () => {
    await plugin("collectors/counter", COUNTER, COUNTER_MANIFEST);
    await start({}, origin);
    await vi.waitFor(() => expect(reasonOf("collectors/counter")).toMatch(/level 1/), WITHIN);
    const since = report("collectors/counter")!.sinceMs;
    const [outcome] = await host.reconfigure({ "collectors/counter": { config: { level: 13 } } });
    expect(outcome).toMatchObject({ key: "collectors/counter", change: "kept", error: { message: "13 brings bad luck" } });
    const [invalid] = await host.reconfigure({ "collectors/counter": { config: { level: "x" } } });
    expect(invalid).toMatchObject({ change: "kept", error: { code: "plugin_config_invalid" } });
    expect([...host.keptBack.keys()]).toEqual(["collectors/counter"]);
    expect(report("collectors/counter")).toMatchObject({ sinceMs: since, reason: "level 1 of collectors/counter default" });
    const count = samples.length;
    await vi.waitFor(() => expect(samples.length).toBeGreaterThan(count), WITHIN);
    expect(await host.reconfigure({})).toEqual([]);
    expect([...host.keptBack.keys()]).toEqual([]);
  });

  it("runs once for each named instance, whose series carry the name", async () => {
    await plugin("collectors/counter", COUNTER, COUNTER_MANIFEST);
    const instances = { lan: { config: { level: 7 } }, wan: {} };
    await start({ "collectors/counter": { config: { level: 5 }, instances } }, origin);
    const has = (name: string, level: string): boolean =>
      samples.some(({ labels }) => labels["plugin_instance"] === name && labels["level"] === level);
    await vi.waitFor(() => expect([has("lan", "7"), has("wan", "5")]).toEqual([true, true]), WITHIN);
    expect(host.reports().map(({ id }) => id)).toEqual(["collectors/counter#lan", "collectors/counter#wan"]);
    expect(reasonOf("collectors/counter#lan")).toBe("level 7 of collectors/counter lan");
    await host.reconfigure({ "collectors/counter": { instances: { wan: { enabled: false }, dmz: {} } } });
    await vi.waitFor(() => expect(reasonOf("collectors/counter#dmz")).toBe("level 1 of collectors/counter dmz"), WITHIN);
    expect(report("collectors/counter#wan")).toMatchObject({ state: "stopped", code: "disabled" });
    expect(report("collectors/counter#lan")).toBe(undefined);
    expect(await readFile(join(dataDir, "state/collectors/counter#lan/snapshot"))).toHaveLength(1);
  });

  it("keeps its state over the change", async () => {
    await plugin("collectors/counter", COUNTER, COUNTER_MANIFEST);
    await start({}, origin);
    await vi.waitFor(() => expect(samples.length).toBeGreaterThan(2), WITHIN);
    await host.reconfigure({ "collectors/counter": { config: { level: 2 } } });
    await vi.waitFor(() => expect(samples.at(-1)?.labels["level"]).toBe("2"), WITHIN);
    expect(samples.find(({ labels }) => labels["level"] === "2")!.value).toBeGreaterThan(2);
  });

  it("says no secret of its own, whatever it does with it", async () => {
    secrets = { "collectors/leaky": { "/token": "hunter2-hunter2" } };
    await plugin(
      "collectors/leaky",
      `export default (ctx, { token, how, prints }) => ({
        start() {
          if (prints) console.log("printed " + token); if (prints) console.error(JSON.stringify({ token }));
          ctx.log.warn("logged " + token, { token });
          if (how === "start") throw new Error("in start " + token);
        },
        collect() { ctx.status("degraded", "with " + token); if (how === "collect") throw new Error("in collect " + token);
          if (how === "crash") setTimeout(() => { throw new Error("later " + token) }, 5); },
        handle() { throw new Error("in handle " + token); },
      })`,
      {
        routes: [{ method: "GET", path: "/leaky" }],
        config: {
          type: "object",
          properties: {
            token: { type: "string", format: "secret" },
            how: { type: "string" },
            prints: { type: "boolean" },
            interval_ms: { default: 50 },
          },
        },
      },
    );
    await start({}, origin);
    for (const how of ["", "collect", "crash", "start"]) {
      await host.reconfigure({ "collectors/leaky": { config: { how, prints: origin === "installed" } } });
      await vi.waitFor(
        () => expect(reasonOf("collectors/leaky")).toContain(how === "crash" ? "later [secret]" : "[secret]"),
        WITHIN,
      );
      const request = { method: "GET", path: "/leaky", query: new URLSearchParams(), header: () => undefined };
      const handler = host.route("GET", "/leaky");
      const answer = await handler
        ?.handle({ ...request, body: () => Promise.resolve(new Uint8Array()) }, new AbortController().signal)
        .catch(String);
      expect(
        JSON.stringify([answer ?? "", host.reports(), [...host.keptBack.values()].map(({ error }) => error.message)]),
      ).not.toContain("hunter2");
    }
    await vi.waitFor(() => expect(logged.join("\n")).toMatch(/logged \[secret\] \{"token":"\[secret\]"\}/), WITHIN);
    if (origin === "installed") {
      await vi.waitFor(() => expect(logged.join("\n")).toMatch(/printed \[secret\]/), WITHIN);
      const evidence = await vi.waitFor(() => readFile(join(dataDir, "state/collectors/leaky/crash.json"), "utf8"), WITHIN);
      expect(evidence).toContain("[secret]");
      expect(evidence).not.toContain("hunter2");
    }
    expect(logged.join("\n")).not.toContain("hunter2");
  });

  it("gets configuration of an earlier version through its own migrate", async () => {
    const code = `${COUNTER} export const migrate = (old, from) => {
      if (from === 3) throw new Error("not from 3");
      return { level: old.height };
    };`;
    const config = { type: "object", properties: { level: { type: "integer", default: 1 }, interval_ms: { default: 200 } } };
    await plugin("collectors/counter", code, { config, configVersion: 4 });
    const settings = { config: { height: 8 }, config_version: 2, instances: { lan: { config: { height: 9 } }, wan: {} } };
    await start({ "collectors/counter": settings }, origin);
    expect(migrations, logged.join("\n")).toEqual([
      {
        id: "collectors/counter",
        from: 2,
        settings: { config: { level: 8 }, config_version: 4, instances: { lan: { config: { level: 9 } }, wan: {} } },
      },
    ]);
    await vi.waitFor(() => expect(reasonOf("collectors/counter#lan")).toBe("level 9 of collectors/counter lan"), WITHIN);
    for (const [version, message] of [
      [3, /from version 3 to 4: not from 3/],
      [5, /holds configuration version 5 .* knows up to 4/],
      [1, /gives collectors\/counter a configuration that is not valid at \/level: expected integer, found "x"/],
    ] as const) {
      await host.reconfigure({ "collectors/counter": { config: { height: "x" }, config_version: version } });
      const reasons = host
        .reports()
        .map(({ reason }) => reason)
        .join();
      expect(reasons + [...host.keptBack.values()].map(({ error }) => error.message).join()).toMatch(message);
    }
    expect(migrations).toHaveLength(1);
  });
});

it("an exporter that holds a port gives it to the next one", async () => {
  await plugin(
    "exporters/listens",
    `import { createServer } from "node:net";
    export default (ctx, config) => ({ start: () => new Promise((resolve, reject) => {
      const server = createServer().on("error", reject).listen(config.port, "127.0.0.1", () => {
        ctx.use({ dispose: () => new Promise((done) => server.close(done)) });
        globalThis.listening = server.address().port;
        resolve();
      });
    }) })`,
    { config: { type: "object", properties: { port: { default: 0 }, other: {} } } },
  );
  await start({});
  const { listening: port } = globalThis;
  await host.reconfigure({ "exporters/listens": { config: { port } } });
  const outcomes = await host.reconfigure({ "exporters/listens": { config: { port, other: 1 } } });
  expect(outcomes).toEqual([{ key: "exporters/listens", change: "replaced", error: null }]);
  expect(report("exporters/listens")?.state).toBe("ok");
});

it("storage is changed by the agent's next start, never under the samples", async () => {
  await plugin("storage/keeps", "export default () => ({ collection() {} })", {
    provides: ["documents"],
    config: { type: "object", properties: { path: { default: "a" } } },
  });
  await start({});
  const since = report("storage/keeps")!.sinceMs;
  expect(await host.reconfigure({ "storage/keeps": { config: { path: "b" } } })).toMatchObject([{ change: "later" }]);
  expect(await host.reconfigure({ "storage/keeps": { enabled: false } })).toMatchObject([{ change: "later" }]);
  expect(report("storage/keeps")).toMatchObject({ state: "ok", sinceMs: since });
  await expect(host.restart("storage/keeps")).rejects.toMatchObject({ code: "live_change_refused" });
  await host.stop();
  await start({ "storage/keeps": { instances: { a: {}, b: {} } } });
  expect(report("storage/keeps#a")?.state).toBe("ok");
  expect(report("storage/keeps#b")).toMatchObject({ state: "failed", code: "instance_duplicate" });
});

it("what failed starts with the configuration that mends it, and a restart tries again", async () => {
  await plugin("collectors/counter", COUNTER, COUNTER_MANIFEST);
  await start({ "collectors/counter": { config: { level: 13 } } });
  expect(report("collectors/counter")?.state).toBe("failed");
  await expect(host.restart("collectors/counter")).rejects.toThrow("13 brings bad luck");
  expect(await host.reconfigure({ "collectors/counter": { config: { level: "?" } } })).toMatchObject([{ change: "kept" }]);
  expect(await host.reconfigure({ "collectors/counter": { config: { level: 1 } } })).toMatchObject([{ change: "replaced" }]);
  await host.restart("collectors/counter");
  await vi.waitFor(() => expect(reasonOf("collectors/counter")).toBe("level 1 of collectors/counter default"), WITHIN);
});

declare global {
  var listening: number;
}

it("what safe mode leaves out stays out, whatever is set meanwhile", async () => {
  await plugin("collectors/counter", COUNTER, COUNTER_MANIFEST);
  const journal = {
    leftOut: ({ id }: { id: string }) => (id === "collectors/counter" ? "it is left out" : null),
    starting: () => {},
    started: () => {},
    ended: () => {},
    enter: () => {},
    leave: () => {},
  };
  await start({}, "installed", { journal });
  expect(report("collectors/counter")).toMatchObject({ state: "stopped", code: "safe_mode" });
  expect(await host.reconfigure({ "collectors/counter": { config: { level: 2 } } })).toEqual([]);
  expect(report("collectors/counter")).toMatchObject({ state: "stopped", code: "safe_mode", reason: "it is left out" });
});
