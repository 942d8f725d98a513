import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Batch, Logger, PluginReport, SeriesInfo } from "all-use-agent/sdk";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { lateDocuments } from "./documents.ts";
import { PluginHost } from "./host.ts";
import { privateStore } from "./private-store.ts";
import { RealTime } from "./time.ts";
import { sleep, until } from "../../test/support/wait.ts";

const silent: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

let dataDir: string;
let host: PluginHost;
let emitted: number[];
let unowned: unknown[];
/** Every code that any plugin ever showed. */
let codes: (string | null)[];

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "alluse-host-"));
  emitted = [];
  codes = [];
  unowned = [];
});

afterEach(async () => {
  await host.stop();
  await rm(dataDir, { recursive: true });
});

/** Writes a plugin folder; `manifest` overrides the smallest valid one. */
async function plugin(id: string, code: string, manifest: Record<string, unknown> | string = {}): Promise<string> {
  const folder = join(dataDir, "plugins", ...id.split("/"));
  await mkdir(folder, { recursive: true });
  const kinds: Record<string, string> = {
    collectors: "collector",
    processors: "processor",
    storage: "storage",
    analytics: "analytics",
    exporters: "exporter",
  };
  const whole = {
    id,
    version: "1.0.0",
    api: 1,
    kind: kinds[id.split("/")[0]],
    entry: "index.mjs",
    title: id,
    stability: "beta",
    ...(typeof manifest === "string" ? {} : manifest),
  };
  await writeFile(join(folder, "plugin.json"), typeof manifest === "string" ? manifest : JSON.stringify(whole));
  await writeFile(join(folder, "index.mjs"), code);
  return folder;
}

async function start(
  settings: Record<string, { enabled?: boolean; config?: Record<string, unknown> }> = {},
  bare = false,
): Promise<Map<string, PluginReport>> {
  const infos: SeriesInfo[] = [];
  host = new PluginHost({
    roots: [{ path: join(dataDir, "plugins"), origin: "bundled" }],
    dataDir,
    time: new RealTime(),
    random: Math.random,
    log: () => silent,
    store: (id) => privateStore(join(dataDir, "state", id)),
    settings,
    bare,
    changed: () => codes.push(...host.reports().map((report) => report.code)),
    unowned: (error) => void unowned.push(error),
    services: {
      registerSeries: (name, labels, metric) => infos.push({ name, labels, ...metric }) - 1,
      seriesInfo: (id) => infos[id],
      emit: (batch: Batch) => (emitted.push(...batch.values.subarray(0, batch.length)), 0),
      flush: () => Promise.resolve(),
      queriedMetrics: () => [],
      query: () => Promise.resolve([]),
      queryRange: () => Promise.resolve([]),
      latest: () => {},
      publish: () => {},
      on: () => ({ dispose: () => {} }),
      documents: lateDocuments(() => null),
    },
  });
  await host.start();
  await host.startInstalled();
  return reports();
}

const reports = (): Map<string, PluginReport> => new Map(host.reports().map((report) => [report.id, report]));
const report = (id: string): PluginReport | undefined => reports().get(id);

const GOOD = `export default (ctx) => {
  const id = ctx.series("demo_value");
  const batch = { length: 1, series: new Uint32Array([id]), timestamps: new Float64Array(1), values: new Float64Array(1) };
  return { collect() { batch.timestamps[0] = ctx.clock.now(); batch.values[0]++; ctx.emit(batch); } };
}`;
const GOOD_MANIFEST = {
  metrics: { demo_value: { type: "gauge", help: "A demonstration." } },
  config: { type: "object", properties: { interval_ms: { type: "integer", minimum: 10, default: 50 } } },
};

describe("PluginHost", () => {
  it("runs a collector at its interval and counts its samples", async () => {
    await plugin("collectors/good", GOOD, GOOD_MANIFEST);
    await start();
    await until("three samples", 5000, () => emitted.length >= 3);
    expect(emitted.slice(0, 3)).toEqual([1, 2, 3]);
    await until("it to be well", 5000, () => report("collectors/good")?.state === "ok");
    expect(report("collectors/good")?.reason).toBeNull();
  });

  it("shows each broken plugin as failed with its reason and runs the rest", async () => {
    await plugin("collectors/good", GOOD, GOOD_MANIFEST);
    await plugin("collectors/not-json", "", "{");
    await plugin("collectors/wrong", "", { kind: "colector" });
    await plugin("collectors/throws-at-load", "throw new Error('at load')");
    await plugin("collectors/throws-in-start", "export default () => ({ start() { throw new Error('in start') } })");
    await plugin("collectors/no-factory", "export const x = 1");
    await plugin("processors/no-method", "export default () => ({})");
    await plugin("collectors/undeclared", "export default (ctx) => { ctx.series('demo_valu'); return {} }", GOOD_MANIFEST);
    await plugin("collectors/no-entry", "", { entry: "missing.mjs" });
    const all = await start();
    const failed = (id: string): unknown => [all.get(id)?.state, all.get(id)?.code];
    expect(failed("collectors/not-json")).toEqual(["failed", "manifest_unreadable"]);
    expect(failed("collectors/wrong")).toEqual(["failed", "manifest_invalid"]);
    expect(failed("collectors/throws-at-load")).toEqual(["failed", "start_failed"]);
    expect(all.get("collectors/throws-at-load")?.reason).toBe("at load");
    expect(all.get("collectors/throws-in-start")?.reason).toBe("in start");
    expect(failed("collectors/no-factory")).toEqual(["failed", "entry_invalid"]);
    expect(failed("processors/no-method")).toEqual(["failed", "entry_invalid"]);
    expect(all.get("collectors/undeclared")?.reason).toMatch(/does not declare.*did it mean demo_value\?/);
    expect(failed("collectors/no-entry")).toEqual(["failed", "start_failed"]);
    expect(all.get("collectors/good")?.state).toBe("ok");
  });

  it("fails only the plugin whose timer throws or whose promise rejects later", async () => {
    const later = (what: string): string => `export default () => ({ start() { setTimeout(() => { ${what} }, 20) } })`;
    await plugin("collectors/good", GOOD, GOOD_MANIFEST);
    await plugin("collectors/timer", later("throw new Error('in a timer')"));
    await plugin("collectors/rejects", later("Promise.reject(new Error('nobody awaited'))"));
    await start();
    for (const id of ["collectors/timer", "collectors/rejects"])
      await until(`${id} to fail`, 5000, () => report(id)?.state === "failed");
    expect(reports().get("collectors/timer")).toMatchObject({ state: "failed", code: "crashed", reason: "in a timer" });
    expect(reports().get("collectors/rejects")).toMatchObject({ state: "failed", code: "crashed", reason: "nobody awaited" });
    await until("the other to be well", 5000, () => report("collectors/good")?.state === "ok");
    expect(unowned).toEqual([]);
  });

  it("aborts a reading that hangs, counts it, and takes the plugin back when it recovers", async () => {
    await plugin(
      "collectors/hangs",
      `let calls = 0; export default () => ({ collect(signal) {
        if (++calls > 1) return;
        return new Promise((_, reject) => signal.addEventListener("abort", () => reject(new Error("aborted as told"))));
      } })`,
      GOOD_MANIFEST,
    );
    await start();
    await until("ticks to be skipped", 5000, () => (report("collectors/hangs")?.cost.skipped ?? 0) > 5);
    await until("the abort", 5000, () => codes.includes("collect_failed"));
    await until("its recovery", 5000, () => report("collectors/hangs")?.state === "ok");
  });

  it("asks a collector that keeps failing less often", async () => {
    await plugin("collectors/fails", `export default () => ({ collect() { throw new Error("no reading") } })`, GOOD_MANIFEST);
    await start();
    // After the first four calls 0, 1, 3 and 7 ticks are left out.
    await until("eleven ticks to be left out", 10_000, () => (report("collectors/fails")?.cost.skipped ?? 0) >= 11, 10);
    expect(report("collectors/fails")).toMatchObject({ state: "degraded", reason: "no reading" });
    expect(report("collectors/fails")?.cost.calls).toBeLessThan(8);
  });

  it("undoes timers and resources in reverse when a plugin stops", async () => {
    globalThis.undone = [];
    await plugin(
      "collectors/resources",
      `export default (ctx) => ({ start() {
        ctx.use({ dispose() { globalThis.undone.push("first") } });
        ctx.use({ dispose() { globalThis.undone.push("second") } });
        ctx.every(20, () => globalThis.undone.push("tick"));
      }, stop() { globalThis.undone.push("stop") } })`,
    );
    await start();
    await until("a tick", 5000, () => globalThis.undone.includes("tick"), 10);
    await host.stop();
    const end = globalThis.undone.lastIndexOf("stop");
    await sleep(60);
    expect(globalThis.undone.slice(end)).toEqual(["stop", "second", "first"]);
  });

  it("keeps a snapshot at stop and gives it back at the next start", async () => {
    const code = `export default (ctx) => { let count = 0; return {
      restore(bytes) { count = bytes[0] }, snapshot() { return new Uint8Array([count + 1]) },
      start() { ctx.status("degraded", "count " + count) } } }`;
    await plugin("collectors/counts", code.replace("start() {", "collect() {"), GOOD_MANIFEST);
    await start();
    await host.stop();
    await start();
    await until("its count", 5000, () => report("collectors/counts")?.reason === "count 1");
  });

  it("starts what is required first, whatever the names, and fails what lacks its requirement", async () => {
    globalThis.undone = [];
    const say = (name: string): string =>
      `export default () => ({ start() { globalThis.undone.push(${JSON.stringify(name)}) } })`;
    await plugin("exporters/a", say("a"), { requires: ["exporters/z"] });
    await plugin("exporters/z", say("z"));
    await plugin("exporters/lonely", say("lonely"), { requires: ["series"] });
    await plugin("exporters/left", say("left"), { requires: ["exporters/right"] });
    await plugin("exporters/right", say("right"), { requires: ["exporters/left"] });
    const all = await start();
    expect(globalThis.undone).toEqual(["z", "a"]);
    expect(all.get("exporters/lonely")?.reason).toBe("it needs series, which does not run");
    expect(all.get("exporters/left")?.code).toBe("requirement_circular");
  });

  it("fails the second of two plugins with one id", async () => {
    await plugin("collectors/one", GOOD, GOOD_MANIFEST);
    await plugin("collectors/two", GOOD, { ...GOOD_MANIFEST, id: "collectors/one" });
    const all = await start();
    expect(host.reports()).toHaveLength(2);
    expect([...host.reports()].map(({ code }) => code)).toContain("plugin_duplicate");
    expect(all.size).toBe(1);
  });

  it("fills in defaults, refuses a wrong configuration, does not start what is disabled", async () => {
    await plugin("collectors/good", GOOD, GOOD_MANIFEST);
    await plugin("collectors/wrong", GOOD, GOOD_MANIFEST);
    await plugin("collectors/off", GOOD, GOOD_MANIFEST);
    await plugin("collectors/spare", GOOD, { ...GOOD_MANIFEST, optional: true });
    await plugin("collectors/wanted", GOOD, { ...GOOD_MANIFEST, optional: true });
    const all = await start({
      "collectors/wrong": { config: { interval_ms: 1 } },
      "collectors/off": { enabled: false },
      "collectors/wanted": { enabled: true },
    });
    expect(all.get("collectors/spare")).toMatchObject({
      state: "stopped",
      code: null,
      reason: expect.stringContaining("enable") as string,
    });
    expect(all.get("collectors/wanted")).toMatchObject({ state: "ok" });
    expect(all.get("collectors/wrong")).toMatchObject({ code: "plugin_config_invalid" });
    expect(all.get("collectors/wrong")?.reason).toMatch(/\/interval_ms: expected 10 or more, found 1/);
    expect(all.get("collectors/off")).toMatchObject({ state: "stopped", code: "disabled" });
  });

  it("starts only plugins with a bare part when bare", async () => {
    await plugin("collectors/good", GOOD, GOOD_MANIFEST);
    await plugin(
      "exporters/kept",
      "export default (ctx, config) => ({ start() { ctx.status('ok'); if (!config.loose) throw new Error('not bare') } })",
      {
        bare: { loose: true },
        config: { type: "object", properties: { loose: { type: "boolean", default: false } } },
      },
    );
    const all = await start({}, true);
    expect([...all.keys()]).toEqual(["exporters/kept"]);
    expect(all.get("exporters/kept")?.state).toBe("ok");
  });

  it("does not follow a symbolic link to a plugin", async () => {
    const folder = await plugin("collectors/real", GOOD, GOOD_MANIFEST);
    await symlink(folder, join(dataDir, "plugins", "collectors", "linked"));
    await start();
    expect(host.reports()).toHaveLength(1);
  });

  it("fails a plugin on the samples' way after five faults in a row, not before", async () => {
    await plugin("analytics/faulty", "export default () => ({ observe() { throw new Error('cannot count') } })");
    await start();
    const [{ instance, plugin: analytics }] = host.running("analytics");
    const batch = { length: 0, series: new Uint32Array(), timestamps: new Float64Array(), values: new Float64Array() };
    for (let i = 0; i < 4; i++) instance.onWay(() => analytics.observe(batch));
    expect(reports().get("analytics/faulty")?.state).toBe("degraded");
    instance.onWay(() => analytics.observe(batch));
    await until("it to fail", 5000, () => report("analytics/faulty")?.state === "failed", 10);
    expect(report("analytics/faulty")?.code).toBe("faults_repeated");
  });

  it("forgets a single fault when the next call works", async () => {
    await plugin(
      "analytics/hiccup",
      "let calls = 0; export default () => ({ observe() { if (calls++ === 0) throw new Error('once') } })",
    );
    await start();
    const [{ instance, plugin: analytics }] = host.running("analytics");
    const batch = { length: 0, series: new Uint32Array(), timestamps: new Float64Array(), values: new Float64Array() };
    instance.onWay(() => analytics.observe(batch));
    expect(reports().get("analytics/hiccup")).toMatchObject({ state: "degraded", reason: "once" });
    instance.onWay(() => analytics.observe(batch));
    expect(reports().get("analytics/hiccup")).toMatchObject({ state: "ok", reason: null });
  });

  it("hands errors that no plugin owns to the shell", async () => {
    await start();
    void Promise.reject(new Error("ours"));
    await until("the error", 5000, () => unowned.length > 0, 10);
    expect(unowned).toHaveLength(1);
  });
});

declare global {
  var undone: string[];
}
