/** The contract as a plugin sees it from its own process: real processes, started from the sources. */
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Batch, Documents, Finding, Logger, PluginReport, SeriesInfo, Topics } from "all-use-agent/sdk";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { lateDocuments } from "../documents.ts";
import { PluginHost } from "../host.ts";
import { privateStore } from "../private-store.ts";
import type { HostServices } from "../services.ts";
import { RealTime } from "../time.ts";

/** On a busy machine a process may answer after the deadline for samples, which then go on unprocessed. */
const ANSWERS_LATE = { retry: 3 };
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
    models: "model",
    storage: "storage",
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
      return 0;
    },
    flush: () => Promise.resolve(void (flushed = emitted.length)),
    queriedMetrics: (expr) => [expr],
    query: (expr, timestampMs) => Promise.resolve([{ labels: { expr }, value: 42, timestampMs }]),
    queryRange: (name) =>
      Promise.resolve([{ name, labels: {}, timestamps: Float64Array.of(1, 2), values: Float64Array.of(3, Number.NaN) }]),
    latest: (maxAgeMs, visit) => infos.forEach((info, i) => visit(info, i, maxAgeMs)),
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

  it("sees the latest samples at once, those that it may read, and new series as they come", async () => {
    await plugin(
      "collectors/looks",
      `export default (ctx) => { const seen = () => { const rows = []; ctx.latest(5000, (info, value, timestampMs) => rows.push(info.name + JSON.stringify(info.labels) + value + "@" + timestampMs)); return rows.length + " " + rows.at(-1); };
        let atStart; return { start() { atStart = seen(); }, collect() { ctx.status("degraded", atStart + " | " + seen()); } } }`,
      {
        permissions: ["metrics:read:node_*"],
        config: { type: "object", properties: { interval_ms: { type: "integer", default: 50 } } },
      },
    );
    infos.push({ name: "secret", labels: {}, type: "gauge", help: "S." });
    infos.push({ name: "node_load1", labels: { cpu: "0" }, type: "gauge", help: "L." });
    await start();
    await vi.waitFor(
      () => expect(reason("collectors/looks")).toBe('1 node_load1{"cpu":"0"}1@5000 | 1 node_load1{"cpu":"0"}1@5000'),
      WITHIN,
    );
    for (let i = 0; i < 20_000; i++) infos.push({ name: `node_${i}`, labels: {}, type: "gauge", help: "N." });
    await vi.waitFor(() => expect(reason("collectors/looks")).toMatch(/\| 20001 node_19999\{\}20001@5000$/), WITHIN);
  });

  it("is refused the latest samples without a permission, and that is counted", async () => {
    await plugin(
      "collectors/peeks",
      `export default (ctx) => ({ collect() { try { ctx.latest(1000, () => {}); } catch (error) { ctx.status("degraded", error.code); } } })`,
    );
    await start();
    await vi.waitFor(() => expect(reason("collectors/peeks")).toBe("permission_denied"), WITHIN);
    await vi.waitFor(() => expect(reportOf("collectors/peeks").isolation?.denied).toBeGreaterThan(0), WITHIN);
  });

  it("that asks for the latest samples past ctx is ended", async () => {
    await plugin(
      "collectors/liar",
      `import { writeSync } from "node:fs"; export default () => ({ start() { setTimeout(() => writeSync(5, Buffer.from("this is no frame at all")), 100); } })`,
      { permissions: ["metrics:read:*"] },
    );
    await start();
    await vi.waitFor(() => expect(reportOf("collectors/liar")).toMatchObject({ state: "failed", code: "frame_invalid" }), WITHIN);
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
    const answer = await host.route("GET", "/demo")!.handle(request, new AbortController().signal);
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

  it(
    "processes what it may read, puts its own series in place of others, and lets the rest pass at once",
    ANSWERS_LATE,
    async () => {
      await plugin(
        "processors/halves",
        `export default (ctx) => { let kept = 0; let half; return { process(batch) {
        let rows = 0;
        for (let i = 0; i < batch.length; i++) {
          if (ctx.seriesInfo(batch.series[i]).name !== "node_load1") { ctx.status("degraded", "it saw a secret"); continue; }
          if (batch.values[i] < 0) throw new Error("below zero");
          if (kept++ % 2 === 1) continue;
          batch.series[rows] = half ??= ctx.series("demo_value"); batch.timestamps[rows] = batch.timestamps[i]; batch.values[rows++] = batch.values[i] / 2;
        }
        batch.length = rows;
      } } }`,
        { mutates: true, permissions: ["metrics:read:node_*"] },
      );
      await plugin("processors/looks", `export default (ctx) => ({ process(batch) { batch.length = 0; } })`, {
        permissions: ["metrics:read:*"],
      });
      await start();
      const load = infos.push({ name: "node_load1", labels: {}, type: "gauge", help: "L." }) - 1;
      const secret = infos.push({ name: "secret", labels: {}, type: "gauge", help: "S." }) - 1;
      const [{ instance, plugin: processor }, looks] = host.running("processor");
      const through: { name: string; value: number }[] = [];
      instance.away!.onward = ({ length, series, values }) => {
        for (let i = 0; i < length; i++) through.push({ name: infos[series[i]].name, value: values[i] });
      };
      const give = (value: number): Batch => {
        const batch = {
          length: 2,
          series: Uint32Array.of(load, secret),
          timestamps: Float64Array.of(1, 1),
          values: Float64Array.of(value, 1000),
        };
        looks.instance.onWay(() => looks.plugin.process(batch));
        expect(batch.length).toBe(2);
        instance.onWay(() => processor.process(batch));
        expect([batch.length, batch.series[0]]).toEqual([1, secret]);
        return batch;
      };
      for (const value of [10, 20, 30]) give(value);
      await instance.away!.settled();
      expect(through).toEqual([
        { name: "demo_value", value: 5 },
        { name: "demo_value", value: 15 },
      ]);
      give(-1);
      await instance.away!.settled();
      expect(through.at(-1)).toEqual({ name: "node_load1", value: -1 });
      expect(reportOf("processors/halves")).toMatchObject({ state: "degraded", code: "fault", reason: "below zero" });
      expect(looks.instance.away).toBe(null);
      await vi.waitFor(() => expect(reason("processors/looks")).toMatch(/"mutates": true/), WITHIN);
    },
  );

  it("gives back what is with a processor that ends", async () => {
    await plugin(
      "processors/exits",
      `export default () => ({ process(batch) { if (batch.values[0] === 2) process.exit(9); batch.length = 0; } })`,
      { mutates: true, permissions: ["metrics:read:*"] },
    );
    await start();
    infos.push({ name: "x", labels: {}, type: "gauge", help: "X." });
    const [{ instance, plugin: processor }] = host.running("processor");
    const through: number[] = [];
    instance.away!.onward = ({ values }) => void through.push(values[0]);
    const { away } = instance;
    for (const value of [1, 2, 3]) {
      const batch = { length: 1, series: Uint32Array.of(0), timestamps: Float64Array.of(1), values: Float64Array.of(value) };
      instance.onWay(() => processor.process(batch));
      expect(batch.length).toBe(0);
    }
    await away!.settled();
    await vi.waitFor(() => expect(reason("processors/exits")).toMatch(/status 9/), WITHIN);
    expect(through.filter((value) => value > 1)).toEqual([2, 3]);
  });

  it("fits and predicts; what is no forecast is refused, and nobody waits for ever", async () => {
    await plugin(
      "models/fits",
      `export default (ctx) => ({ task: "forecast", fit({ timestamps, values }) {
        if (values[0] === 1) return new Promise(() => {});
        if (values[0] === 2) process.exit(5);
        const card = { model: "m", trainedMs: 1, fromMs: timestamps[0], toMs: 2, samples: values.length, parameters: { a: 1, b: {} }, metrics: {} };
        return { card, predict: async (stepMs, count, level) => {
          const at = (value) => new Float64Array(count).fill(value);
          return { timestampsMs: at(0).map((_, i) => 1000 + i * stepMs), expected: at(values[0]), low: at(values[0] === 3 ? NaN : -1), high: at(9), level, method: "flat" };
        } };
      } })`,
    );
    await start();
    const [{ plugin: model }] = host.running("model");
    const { signal } = new AbortController();
    const dataset = (value: number) => ({ timestamps: Float64Array.of(1, 2), values: Float64Array.of(value, Number.NaN) });
    const fitted = await model.fit(dataset(7), signal);
    expect(fitted.card).toMatchObject({ model: "m", samples: 2, parameters: { a: 1 } });
    expect(await fitted.predict(10, 2, 0.9)).toEqual({
      timestampsMs: Float64Array.of(1000, 1010),
      expected: Float64Array.of(7, 7),
      low: Float64Array.of(-1, -1),
      high: Float64Array.of(9, 9),
      level: 0.9,
      method: "flat",
    });
    const wrong = await model.fit(dataset(3), signal);
    await expect(wrong.predict(10, 2, 0.9)).rejects.toMatchObject({ code: "forecast_invalid" });
    expect(reportOf("models/fits")).toMatchObject({ state: "degraded", code: "fault" });
    const stop = new AbortController();
    const aborted = model.fit(dataset(1), stop.signal);
    stop.abort(new Error("enough"));
    await expect(aborted).rejects.toThrow("enough");
    await expect(model.fit(dataset(1), signal)).rejects.toMatchObject({ code: "model_late" });
    for (let i = 0; i < 256; i++) await model.fit(dataset(4), signal);
    await expect(fitted.predict(10, 2, 0.9)).rejects.toMatchObject({ code: "model_forgotten" });
    await expect(model.fit(dataset(2), signal)).rejects.toMatchObject({ code: "crashed" });
  });

  it("keeps documents, also more of them than one frame holds", async () => {
    await plugin(
      "storage/keeps",
      `export default () => { const all = new Map(); return { collection: (name) => ({
        get: async (id) => all.get(name + id) ?? null, find: async ({ limit }) => [...all.values()].slice(0, limit), count: async () => -1,
        remove: async () => all.size, put: async (document) => void all.set(name + document._id, document) }) } }`,
      { provides: ["documents"] },
    );
    await start();
    const store = host.provider<Documents>("documents")!.plugin;
    const things = store.collection<{ _id: string; text: string }>("things", { maxDocuments: 99, orderBy: "_id" });
    for (let i = 0; i < 30; i++) await things.put({ _id: String(i), text: "x".repeat(100_000) });
    expect((await things.get("7"))?._id).toBe("7");
    expect(await things.get("none")).toBe(null);
    expect(await things.find({ limit: 25 })).toHaveLength(25);
    await expect(things.count()).rejects.toMatchObject({ code: "documents_invalid" });
    for (let i = 0; i < 70; i++) await things.put({ _id: String(100 + i), text: "x".repeat(100_000) });
    await expect(things.find()).rejects.toMatchObject({ code: "too_large" });
    expect(await things.remove({})).toBe(100);
  });

  it("is refused before any of its code runs when it stores series, or holds a link", async () => {
    await plugin("storage/inside", `process.exit(1)`, { provides: ["series"] });
    await symlink("/etc", join(await plugin("collectors/linked", `process.exit(1)`), "etc"));
    await start();
    expect(reportOf("storage/inside")).toMatchObject({ state: "failed", code: "kind_not_isolated" });
    expect(reportOf("collectors/linked")).toMatchObject({ state: "failed", code: "symlink_found" });
  });
});
