/** The contract as a plugin sees it from its own process: real processes, started from the sources. */
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Batch, Finding, Logger, PluginReport, SeriesInfo, Topics } from "all-use-agent/sdk";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { lateDocuments } from "../documents.ts";
import { PluginHost } from "../host.ts";
import { privateStore } from "../private-store.ts";
import type { HostServices } from "../services.ts";
import { RealTime } from "../time.ts";

/** Many times what it takes: a machine that is held up is no failure. */
const WITHIN = { timeout: 60_000, interval: 50 };

let dataDir: string;
let host: PluginHost;
let emitted: { name: string; value: number }[];
let findings: Finding[];
let logged: string[];
let flushed: number;
let topics: Map<string, (event: never) => void>;
let infos: SeriesInfo[];
/** Every reason that any plugin ever showed. */
let shown: (string | null)[];

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "alluse-process-"));
  emitted = [];
  findings = [];
  logged = [];
  flushed = 0;
  topics = new Map();
  infos = [];
  shown = [];
});

afterEach(async () => {
  await host.stop();
  await rm(dataDir, { recursive: true });
});

async function plugin(id: string, code: string, manifest: Record<string, unknown> = {}): Promise<string> {
  const folder = join(dataDir, "plugins", id);
  await mkdir(folder, { recursive: true });
  const kind = {
    collectors: "collector",
    exporters: "exporter",
    recommenders: "recommender",
    analytics: "analytics",
    processors: "processor",
  };
  const whole = {
    id,
    version: "1.0.0",
    api: 1,
    kind: kind[id.split("/")[0] as keyof typeof kind],
    entry: "index.mjs",
    title: id,
    stability: "beta",
    metrics: { demo_value: { type: "gauge", help: "A demonstration." } },
    ...manifest,
  };
  await writeFile(join(folder, "plugin.json"), JSON.stringify(whole));
  await writeFile(join(folder, whole.entry), code);
  return folder;
}

async function start(): Promise<void> {
  const write = (message: string): void => void logged.push(message);
  const log: Logger = { debug: write, info: write, warn: write, error: write };
  const services: HostServices = {
    registerSeries: (name, labels, metric) => infos.push({ name, labels, ...metric }) - 1,
    seriesInfo: (id) => infos[id],
    emit: (batch: Batch) => {
      for (let i = 0; i < batch.length; i++) emitted.push({ name: infos[batch.series[i]].name, value: batch.values[i] });
    },
    flush: () => Promise.resolve(void (flushed = emitted.length)),
    queriedMetrics: (expr) => [expr],
    query: (expr, timestampMs) => Promise.resolve([{ labels: { expr }, value: 42, timestampMs }]),
    queryRange: (name) =>
      Promise.resolve([{ name, labels: {}, timestamps: Float64Array.of(1, 2), values: Float64Array.of(3, Number.NaN) }]),
    latest: () => {},
    publish: (_source, finding) => void findings.push(finding),
    on: <T extends keyof Topics>(topic: T, listener: (event: Topics[T]) => void) => {
      topics.set(topic, listener);
      return { dispose: () => void topics.delete(topic) };
    },
    documents: lateDocuments(() => null),
  };
  host = new PluginHost({
    roots: [{ path: join(dataDir, "plugins"), origin: "installed" }],
    dataDir,
    time: new RealTime(),
    random: Math.random,
    log: () => log,
    store: (id) => privateStore(join(dataDir, "state", id)),
    settings: {},
    bare: false,
    changed: () => shown.push(...host.reports().map((report) => report.reason)),
    unowned: (error) => {
      throw error;
    },
    services,
  });
  await host.start();
  await host.startInstalled();
}

const reportOf = (id: string): PluginReport => host.reports().find((report) => report.id === id)!;
const reason = (id: string): string | null => reportOf(id).reason;

const BATCH = `const batch = { length: 1, series: new Uint32Array(1), timestamps: new Float64Array(1), values: new Float64Array(1) };
  const emit = (id, value) => { batch.series[0] = id; batch.timestamps[0] = ctx.clock.now(); batch.values[0] = value; ctx.emit(batch); };`;

describe("a plugin in its own process", () => {
  it("collects, flushes after what it emitted, keeps state and speaks of itself", async () => {
    await plugin(
      "collectors/all",
      `export default (ctx, config) => { ${BATCH} let ticks = 0; let kept = 0; return {
        restore(bytes) { kept = bytes[0]; }, snapshot: () => new Uint8Array([kept + 1]),
        async start() { await ctx.store.write("note", new Uint8Array([7, 8])); },
        async collect() {
          for (let i = 0; i < 100; i++) emit(ctx.series("demo_value", { i: String(i) }), i);
          await ctx.flush();
          const note = await ctx.store.read("note");
          ctx.status("degraded", [config.word, kept, note.join(), await ctx.store.read("none"), ++ticks > 0].join(" "));
        } } }`,
      {
        config: {
          type: "object",
          properties: { word: { type: "string", default: "hello" }, interval_ms: { type: "integer", default: 100 } },
        },
      },
    );
    await start();
    await vi.waitFor(() => expect(reason("collectors/all")).toBe("hello 0 7,8  true"), WITHIN);
    expect(flushed).toBeGreaterThanOrEqual(100);
    expect(emitted[99]).toEqual({ name: "demo_value", value: 99 });
    expect(reportOf("collectors/all").isolation).toMatchObject({ level: "process", restarts: 0 });
    await host.stop();
    expect(reportOf("collectors/all").state).toBe("stopped");
    expect([...(await readFile(join(dataDir, "state/collectors/all/snapshot")))]).toEqual([1]);
    await start();
    await vi.waitFor(() => expect(reason("collectors/all")).toBe("hello 1 7,8  true"), WITHIN);
  });

  it("ticks by the agent's clock, hears topics, publishes findings and asks only what it was granted", async () => {
    const finding = `{ id: "f", kind: "anomaly", metric: "demo_value", labels: {}, startMs: 1, endMs: null, score: 0.5, severity: "info", summary: "s", evidence: [] }`;
    await plugin(
      "analytics/asks",
      `export default (ctx) => { let seen = 0; let gaps = 0; ctx.on("gap", () => gaps++); return {
        observe(batch) { for (let i = 0; i < batch.length; i++) if (ctx.seriesInfo(batch.series[i]).name === "node_load1") seen += batch.values[i]; },
        start() { ctx.publish(${finding}); ctx.publish({ id: 1 }); ctx.every(50, async () => {
          const [row] = await ctx.query("node_load1"); const [range] = await ctx.queryRange("node_load1", 0, 1, 1);
          const refused = await ctx.query("secret").catch((error) => error.code);
          const documents = await ctx.documents.collection("x", { maxDocuments: 1, orderBy: "_id" }).get("a").catch((error) => error.code);
          ctx.status("degraded", [row.value, range.values.join(), refused, documents, seen, gaps].join(" "));
        }); } } }`,
      { permissions: ["metrics:read:node_*"] },
    );
    await start();
    const load = infos.push({ name: "node_load1", labels: {}, type: "gauge", help: "L." }) - 1;
    const secret = infos.push({ name: "secret", labels: {}, type: "gauge", help: "S." }) - 1;
    const [{ instance, plugin: analytics }] = host.running("analytics");
    const batch = {
      length: 2,
      series: Uint32Array.of(load, secret),
      timestamps: Float64Array.of(1, 1),
      values: Float64Array.of(5, 1000),
    };
    instance.onWay(() => analytics.observe(batch));
    await vi.waitFor(() => expect(topics.has("gap")).toBe(true), WITHIN);
    topics.get("gap")!({ fromMs: 1, toMs: 2, reason: "r" } as never);
    await vi.waitFor(() => expect(reason("analytics/asks")).toBe("42 3,NaN permission_denied permission_denied 5 1"), WITHIN);
    expect(findings.map(({ id }) => id)).toEqual(["f"]);
    expect(logged.join("\n")).toMatch(/a finding is not valid/);
    expect(reportOf("analytics/asks").isolation?.denied).toBeGreaterThan(2);
  });

  it("exports batches and answers routes; permanent errors stay permanent", async () => {
    await plugin(
      "exporters/sends",
      `export default (ctx) => ({
        async send(batch) { if (batch.values[0] === 0) throw Object.assign(new Error("no"), { name: "PermanentError" }); ctx.status("degraded", "got " + ctx.seriesInfo(batch.series[0]).name + batch.values[0]); },
        handle: (request) => ({ status: 201, contentType: "text/plain", body: request.path + request.query.get("a") + request.header("authorization") }) })`,
      { permissions: ["metrics:read:*"], routes: [{ method: "GET", path: "/demo" }] },
    );
    await start();
    infos.push({ name: "other", labels: {}, type: "gauge", help: "O." });
    const exporter = host.running("exporter")[0].plugin;
    const batch = { length: 1, series: Uint32Array.of(0), timestamps: Float64Array.of(1), values: Float64Array.of(3) };
    await exporter.send!(batch, new AbortController().signal);
    await vi.waitFor(() => expect(reason("exporters/sends")).toBe("got other3"), WITHIN);
    const request = {
      method: "GET",
      path: "/demo",
      query: new URLSearchParams("a=b"),
      header: () => undefined,
      body: () => Promise.resolve(new Uint8Array()),
    };
    const answer = await host.route("GET", "/demo")!(request, new AbortController().signal);
    expect({ ...answer, body: Buffer.from(answer.body).toString() }).toEqual({
      status: 201,
      contentType: "text/plain",
      body: "/demobundefined",
    });
  });

  it("advises, and what is no recommendation is refused", async () => {
    const advice = `{ key: "k", severity: "info", title: "t", reason: "r", action: { kind: "a", text: "b" }, confidence: 1, evidence: [], expiresMs: 1 }`;
    await plugin(
      "recommenders/advises",
      `let times = 0; export default () => ({ async advise(view) {
        const { forecast } = await view.forecast({ timestamps: Float64Array.of(1, 2), values: Float64Array.of(3, 4) }, 1, 1, 0.9);
        return times++ ? [{ key: 1 }] : [{ ...${advice}, title: forecast.method + view.findings.length }]; } })`,
    );
    await start();
    const recommender = host.running("recommender")[0].plugin;
    const view = {
      nowMs: 1,
      findings: [],
      query: () => Promise.resolve([]),
      queryRange: () => Promise.resolve([]),
      forecast: (data: { values: Float64Array }) =>
        Promise.resolve({ forecast: { method: data.values.join() }, card: {} } as never),
    };
    const { signal } = new AbortController();
    expect(await recommender.advise(view, signal)).toMatchObject([{ key: "k", title: "3,40" }]);
    await expect(recommender.advise(view, signal)).rejects.toMatchObject({ code: "recommendation_invalid" });
  });

  it("may be written in TypeScript", async () => {
    await plugin(
      "collectors/typed",
      `interface Ctx { status(state: "degraded", reason: string): void }
       export default (ctx: Ctx) => ({ collect(): void { ctx.status("degraded", "typed" satisfies string); } });`,
      { entry: "index.ts" },
    );
    await start();
    await vi.waitFor(() => expect(reason("collectors/typed")).toBe("typed"), WITHIN);
  });

  it("is started again after a crash, from its last snapshot, with its evidence kept", async () => {
    await plugin("collectors/crashes", `export default (ctx) => ({ start() { setTimeout(() => process.exit(3), 100); } })`);
    await start();
    await vi.waitFor(() => expect(reportOf("collectors/crashes")).toMatchObject({ state: "failed", code: "crashed" }), WITHIN);
    expect(reportOf("collectors/crashes").isolation?.restarts).toBe(2);
    for (const delay of ["1 s", "2 s"])
      expect(shown).toContainEqual(expect.stringContaining(`status 3; it starts again in ${delay}`));
    const evidence = await vi.waitFor(() => readFile(join(dataDir, "state/collectors/crashes/crash.json"), "utf8"), WITHIN);
    expect(JSON.parse(evidence)).toMatchObject({ code: "crashed", reason: "its process exited with status 3" });
  });

  it("is refused before any of its code runs when it is of a kind that works inside, or holds a link", async () => {
    await plugin("processors/inside", `process.exit(1)`);
    await symlink("/etc", join(await plugin("collectors/linked", `process.exit(1)`), "etc"));
    await start();
    expect(reportOf("processors/inside")).toMatchObject({ state: "failed", code: "kind_not_isolated" });
    expect(reportOf("collectors/linked")).toMatchObject({ state: "failed", code: "symlink_found" });
  });
});
