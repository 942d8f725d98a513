import type { Manifest } from "all-use-agent/sdk";
import { describe, expect, it } from "vitest";
import { checkManifest } from "../manifest.ts";
import { planInstances } from "../plans.ts";
import { settleStrategy } from "./settle.ts";

const manifest = (more: Partial<Manifest> = {}): Manifest => ({
  id: "collectors/demo",
  version: "1.0.0",
  api: 1,
  kind: "collector",
  entry: "index.ts",
  title: "Demo",
  stability: "beta",
  ...more,
});

const problemsOf = (plugin: Record<string, unknown>, more: Partial<Manifest> = {}, ownMs = 1000): string[] =>
  settleStrategy(manifest(more), { manifest: more.strategy, plugin }, ownMs).problems.map(
    ({ where, message }) => `${where}: ${message}`,
  );

describe("a strategy", () => {
  it("is periodic at the plugin's own interval when nobody says anything", () => {
    const { strategy, problems } = settleStrategy(manifest(), {}, 5000);
    expect(problems).toEqual([]);
    expect(strategy).toMatchObject({ mode: "periodic", intervalMs: 5000, priority: "normal", network: "none", jitterMs: 0 });
    expect(settleStrategy(manifest(), {}, undefined).strategy?.intervalMs).toBe(1000);
  });

  it("is made of manifest, plugin and instance, the later ones before the earlier ones, property by property", () => {
    const { strategy } = settleStrategy(
      manifest(),
      {
        manifest: { mode: "adaptive", max_interval: "2m", priority: "low", retry: { attempts: 5 } },
        plugin: { max_interval: "90s", retry: { base: "1s" } },
        instance: { tolerance: 0.2 },
      },
      1000,
    );
    expect(strategy).toMatchObject({
      mode: "adaptive",
      minMs: 1000,
      maxMs: 90_000,
      tolerance: 0.2,
      priority: "low",
      retry: { attempts: 5, baseMs: 1000 },
    });
    expect([...strategy!.ofManifest].sort()).toEqual(["mode", "priority"]);
  });

  it("leaves out what the manifest says for another mode than the operator's", () => {
    const layers = { manifest: { mode: "adaptive", max_interval: "2m", priority: "low" }, plugin: { mode: "on_demand" } };
    const { strategy, problems } = settleStrategy(manifest(), layers, 1000);
    expect(problems).toEqual([]);
    expect(strategy).toMatchObject({ mode: "on_demand", priority: "low" });
    expect(strategy).not.toHaveProperty("maxMs");
  });

  it("never makes a collector slower than PromQL's lookback by itself, but lets the operator", () => {
    const max = (plugin: object, ownMs = 1000): unknown =>
      (settleStrategy(manifest(), { plugin: { mode: "adaptive", ...plugin } }, ownMs).strategy as { maxMs?: number }).maxMs;
    expect(max({})).toBe(240_000);
    expect(max({}, 600_000)).toBe(600_000);
    expect(max({ max_interval: "1h" })).toBe(3_600_000);
  });

  it.each([
    [
      { mode: "adaptiv" },
      '/strategy/mode: expected one of periodic, adaptive, event, threshold, on_demand, found "adaptiv", did you mean "adaptive"?',
    ],
    [{ intervall: "5s" }, '/strategy/intervall: "intervall" is not known here, did you mean "interval"?'],
    [
      { interval: "soon" },
      '/strategy/interval: expected a duration such as "5m", "1h30m" or "250ms", or a number of ms, found "soon"',
    ],
    [{ interval: "1ms" }, '/strategy/interval: expected 100 ms or more, found "1ms"'],
    [{ retry: { attempts: 0 } }, "/strategy/retry/attempts: expected 1 or more, found 0"],
    [{ retry: { base: "20s", max: "1s" } }, "/strategy/retry/max: expected at least retry.base, 20000 ms, found 1000 ms"],
    [{ when: "up" }, '/strategy/when: "when" is of mode threshold, and the mode is periodic: take it out, or change the mode'],
    [{ mode: "threshold" }, '/strategy/when: "when" is missing: the condition in PromQL'],
    [
      { mode: "threshold", when: "up", idle_interval: "500ms" },
      "/strategy/idle_interval: expected at least the interval while the condition holds, 1000 ms, found 500 ms",
    ],
    [{ mode: "event" }, '/strategy/on: an event must be named: "on" with finding, gap or recommendation, or "watch" with a file'],
    [{ mode: "event", watch: "etc/hosts" }, '/strategy/watch: expected a path that begins with / or ~/, found "etc/hosts"'],
    [
      { mode: "adaptive", min_interval: "10s", max_interval: "5s" },
      "/strategy/max_interval: expected at least the fastest pace, 10000 ms, found 5000 ms",
    ],
  ])("%j is refused with a sentence that names the place", (plugin, message) => {
    expect(problemsOf(plugin)).toEqual([message]);
  });

  it("is refused for what is never asked for readings", () => {
    expect(problemsOf({ mode: "periodic" }, { kind: "exporter", id: "exporters/demo" })).toEqual([
      "/strategy: a strategy says when a collector is read, and this is a exporter: take it out",
    ]);
    expect(problemsOf({}, { isolation: "exec", exec: { command: ["x"], format: "jsonl", mode: "stream" } })[0]).toMatch(
      /^\/strategy: a program that runs all the time/,
    );
    expect(settleStrategy(manifest({ kind: "exporter" }), {}, 1000)).toEqual({ strategy: null, problems: [] });
  });

  it.each([
    [["net:api.example:443"], "assumed"],
    [["net"], "assumed"],
    [["net:*"], "assumed"],
    [["net:127.0.0.1:80", "net:localhost", "net:[::1]:9", "read:/etc"], "none"],
    [undefined, "none"],
  ])("by permissions %j a network is %s", (permissions, network) => {
    expect(settleStrategy(manifest(permissions && { permissions }), {}, 1000).strategy?.network).toBe(network);
  });

  it("of a manifest is checked with the manifest", () => {
    expect(checkManifest(manifest({ strategy: { mode: "adaptive", max_interval: "2m" } }), "plugin.json").strategy).toBeDefined();
    expect(() => checkManifest(manifest({ strategy: { mode: "adaptive", max_intervall: "2m" } }), "plugin.json")).toThrow(
      /\/strategy\/max_intervall: .* did you mean "max_interval"/,
    );
  });

  it("makes another plan of an instance, and a problem of it when it is wrong", () => {
    const place = { folder: "/x", name: "demo", origin: "bundled" as const };
    const around = { dataDir: "/data", bare: false, secrets: () => ({}) };
    const plan = (settings: object) => planInstances(place, manifest(), settings, around);
    const [before] = plan({});
    const [after] = plan({ strategy: { priority: "low" } });
    expect(after.plan?.fingerprint).not.toBe(before.plan?.fingerprint);
    expect(plan({ strategy: {} })[0].plan?.fingerprint).toBe(before.plan?.fingerprint);
    const named = plan({ strategy: { priority: "low" }, instances: { lan: { strategy: { mode: "on_demand" } }, wan: {} } });
    expect(named.map(({ plan: one }) => [one?.strategy?.mode, one?.strategy?.priority])).toEqual([
      ["on_demand", "low"],
      ["periodic", "low"],
    ]);
    const [wrong] = plan({ strategy: { priority: "lowest" } });
    expect(wrong.plan).toBeNull();
    expect(wrong.error?.message).toMatch(/collectors\/demo is not valid at \/strategy\/priority: expected one of critical/);
  });
});
