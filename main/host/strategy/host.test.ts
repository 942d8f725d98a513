/** Strategies of real plugins in a real host: in the agent, in a process of their own, and programs. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Batch, Logger, PluginReport, SeriesInfo, Topics } from "all-use-agent/sdk";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { until } from "../../../test/support/wait.ts";
import type { AllSettings } from "../config/settings.ts";
import { lateDocuments } from "../documents.ts";
import { PluginHost } from "../host.ts";
import { privateStore } from "../private-store.ts";
import { RealTime } from "../time.ts";
import type { LoadLevel } from "./load-rule.ts";
import { finding } from "./testdata/loop-under-test.ts";

let dataDir: string;
let host: PluginHost;
let samples: number;
let level: LoadLevel;
let loadListeners: Set<() => void>;
let topics: Map<string, Set<(event: never) => void>>;

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "alluse-strategy-"));
  samples = 0;
  level = 0;
  loadListeners = new Set();
  topics = new Map();
});

afterEach(async () => {
  await host.stop();
  await rm(dataDir, { recursive: true });
});

const CODE = `export default (ctx) => {
  const batch = { length: 2, series: new Uint32Array([ctx.series("demo_a"), ctx.series("demo_b")]), timestamps: new Float64Array(2), values: new Float64Array(2) };
  return { collect() { batch.timestamps.fill(ctx.clock.now()); batch.values.fill(7); ctx.emit(batch); } };
}`;
const SCRIPT = "echo demo_a 7\necho demo_b 7\n";

type World = "bundled" | "installed" | "exec";

async function write(world: World, manifest: Record<string, unknown> = {}): Promise<void> {
  const folder = join(dataDir, "plugins/collectors/demo");
  await mkdir(folder, { recursive: true });
  const whole = {
    id: "collectors/demo",
    version: "1.0.0",
    api: 1,
    kind: "collector",
    title: "Demo",
    stability: "beta",
    metrics: { demo_a: { type: "gauge", help: "x" }, demo_b: { type: "gauge", help: "x" } },
    config: { type: "object", properties: { interval_ms: { type: "integer", default: 200 } } },
    ...(world === "exec"
      ? { isolation: "exec", exec: { command: ["/bin/sh", "collect.sh"], format: "prometheus" } }
      : { entry: "index.mjs" }),
    ...manifest,
  };
  await writeFile(join(folder, "plugin.json"), JSON.stringify(whole));
  await writeFile(join(folder, "index.mjs"), CODE);
  await writeFile(join(folder, "collect.sh"), SCRIPT);
}

async function start(world: World, settings: AllSettings): Promise<void> {
  const log: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
  const infos: SeriesInfo[] = [];
  const ids = new Map<string, number>();
  host = new PluginHost({
    roots: [{ path: join(dataDir, "plugins"), origin: world === "bundled" ? "bundled" : "installed" }],
    dataDir,
    time: new RealTime(),
    random: Math.random,
    log: () => log,
    store: (id) => privateStore(join(dataDir, "state", id)),
    settings,
    bare: false,
    changed: () => {},
    unowned: (error) => {
      throw error;
    },
    surroundings: {
      seed: "here",
      load: {
        get level() {
          return level;
        },
        reason: "a test",
      },
      onLoad: (listener) => {
        loadListeners.add(listener);
        return { dispose: () => void loadListeners.delete(listener) };
      },
      onBattery: () => false,
      networkUp: () => true,
      onNetwork: () => ({ dispose: () => {} }),
    },
    services: {
      registerSeries: (name, labels, metric) => {
        const id = ids.get(name) ?? infos.push({ name, labels, ...metric }) - 1;
        ids.set(name, id);
        return id;
      },
      seriesInfo: (id) => infos[id],
      emit: (batch: Batch) => ((samples += batch.length), 0),
      flush: () => Promise.resolve(),
      queriedMetrics: () => [],
      query: () => Promise.reject(new Error("1:1: no such thing")),
      queryRange: () => Promise.resolve([]),
      latest: () => {},
      publish: () => {},
      on: <T extends keyof Topics>(topic: T, listener: (event: Topics[T]) => void) => {
        const set = topics.get(topic) ?? new Set();
        topics.set(topic, set);
        set.add(listener);
        return { dispose: () => void set.delete(listener) };
      },
      documents: lateDocuments(() => null),
    },
  });
  await host.start();
  await host.startInstalled();
}

const report = (): PluginReport => host.reports()[0];
const tell = (one: Topics["finding"]): void => {
  for (const listener of topics.get("finding") ?? []) (listener as (event: Topics["finding"]) => void)(one);
};

function setLevel(to: LoadLevel): void {
  level = to;
  for (const listener of loadListeners) listener();
}

const settings = (strategy: Record<string, unknown>): AllSettings => ({ "collectors/demo": { strategy } });

describe.skipIf(process.platform === "win32").each(["bundled", "installed", "exec"] as const)(
  "a strategy of a plugin that is %s",
  (world) => {
    it("on demand: it is read when asked, and all that it emitted is counted", async () => {
      await write(world);
      await start(world, settings({ mode: "on_demand", deadline: "1m" }));
      await until("it to run", 20_000, () => report().state === "ok");
      expect(samples).toBe(0);
      expect(report().pace).toEqual({ intervalMs: null, reason: "only when it is asked for" });
      expect(await host.collect("collectors/demo")).toMatchObject({ samples: 2, error: null });
      expect(samples).toBe(2);
      await expect(host.collect("collectors/other")).rejects.toMatchObject({ code: "instance_unknown" });
    });

    it("adaptive: it is slower while its values stand still, until something is odd", async () => {
      await write(world, { strategy: { mode: "adaptive", max_interval: "1s", stable_readings: 1 } });
      await start(world, {});
      await until("it to be slow", 30_000, () => report().pace?.intervalMs === 1000);
      expect(report().pace?.reason).toMatch(/nothing has changed/);
      expect(host.paces()).toEqual([{ id: "collectors/demo", seconds: 1 }]);
      tell(finding("demo_b"));
      expect(report().pace).toEqual({ intervalMs: 200, reason: "at its fastest around an anomaly of demo_b" });
    });

    it("priority: it is paused under load, says so, and goes on", async () => {
      await write(world);
      await start(world, settings({ priority: "low", deadline: "1m" }));
      await until("a sample", 20_000, () => samples > 0);
      setLevel(2);
      expect(report()).toMatchObject({ state: "degraded", code: "yielding", pace: { intervalMs: null } });
      const { skipped } = report().cost;
      await until("ticks to be left out", 20_000, () => report().cost.skipped >= skipped + 3);
      expect(report().code).toBe("yielding");
      setLevel(0);
      expect(report()).toMatchObject({ state: "ok", code: null });
      const before = samples;
      await until("samples again", 20_000, () => samples > before);
    });

    it("condition: it is degraded when that cannot be looked at", async () => {
      await write(world);
      await start(world, settings({ mode: "threshold", when: "node_load1 >", idle_interval: "200ms", deadline: "1m" }));
      await until("the condition to fail", 20_000, () => report().code === "condition_failed");
      expect(report().reason).toBe("its condition cannot be looked at: 1:1: no such thing");
      const before = samples;
      // Good readings do not hide it.
      await until("samples", 20_000, () => samples >= before + 6);
      expect(report()).toMatchObject({ state: "degraded", code: "condition_failed" });
    });

    it("file: it is read when that changes", async () => {
      const file = join(dataDir, "watched");
      await writeFile(file, "1");
      await write(world);
      await start(world, settings({ mode: "event", watch: file, debounce: 0, min_interval: "100ms", deadline: "1m" }));
      await until("it to run", 20_000, () => report().state === "ok");
      let n = 1;
      // What is written before the watch has looked for the first time is not seen.
      await until("a reading", 60_000, async () => {
        await writeFile(file, "x".repeat(++n));
        return samples > 0;
      });
    });

    it("changes with the settings, and a wrong one leaves it as it was", async () => {
      await write(world);
      await start(world, {});
      await until("it to run", 20_000, () => report().state === "ok" && report().pace !== undefined);
      expect(report().pace).toEqual({ intervalMs: 200, reason: "periodic" });
      const [changed] = await host.reconfigure(settings({ interval: "1h" }));
      expect(changed).toMatchObject({ key: "collectors/demo", change: "replaced" });
      expect(report().pace?.intervalMs).toBe(3_600_000);
      const [kept] = await host.reconfigure(settings({ interval: "1x" }));
      expect(kept.change).toBe("kept");
      expect(kept.error?.message).toMatch(/at \/strategy\/interval: expected a duration/);
      expect(report().pace?.intervalMs).toBe(3_600_000);
    });
  },
);
