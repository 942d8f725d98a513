import { AgentError, RetryableError } from "all-use-agent/sdk";
import { describe, expect, it } from "vitest";
import { finding, LoopUnderTest, settle, START_MS } from "./testdata/loop-under-test.ts";

const fail = (): never => {
  throw new Error("no sensor");
};

describe("a periodic collector", () => {
  it("is read at every multiple of its interval", async () => {
    const test = new LoopUnderTest({ intervalMs: 10_000, startMs: START_MS + 3456 });
    await test.time.advance(35_000);
    expect(test.seconds).toEqual([10, 20, 30]);
    expect(test.loop.pace()).toEqual({ intervalMs: 10_000, reason: "periodic" });
  });

  it("takes the strategy's interval before the plugin's own", async () => {
    const test = new LoopUnderTest({ intervalMs: 10_000, strategy: { interval: "30s", phase: "5s" } });
    await test.time.advance(100_000);
    expect(test.seconds).toEqual([5, 35, 65, 95]);
  });

  it("ticks by Unix time over a change to daylight saving time", async () => {
    // Europe: 2026-03-29, 01:00 UTC.
    const test = new LoopUnderTest({ intervalMs: 3_600_000 });
    await test.time.advance(24 * 3_600_000);
    expect(test.readAt).toHaveLength(24);
    expect(test.readAt.every((ms) => ms % 3_600_000 === 0)).toBe(true);
  });

  it("is moved by jitter, the same at each start, another on each machine", async () => {
    const at = async (seed: string): Promise<number> => {
      const test = new LoopUnderTest({ strategy: { interval: "1m", jitter: "30s" }, seed });
      await test.time.advance(180_000);
      const offsets = new Set(test.readAt.map((ms) => ms % 60_000));
      expect(offsets.size).toBe(1);
      return [...offsets][0];
    };
    const offsets = await Promise.all(Array.from({ length: 200 }, (_, i) => at(`host-${i}`)));
    expect(await at("host-7")).toBe(offsets[7]);
    expect(Math.max(...offsets)).toBeLessThan(30_000);
    const [early, late] = [offsets.filter((ms) => ms < 15_000).length, offsets.filter((ms) => ms >= 15_000).length];
    expect(Math.min(early, late)).toBeGreaterThan(60);
  });

  it("is read once, at once, after a sleep or a clock set forward, and then at its ticks again", async () => {
    const test = new LoopUnderTest({ intervalMs: 240_000 });
    await test.time.advance(250_000);
    test.forget();
    test.jump(8 * 3_600_000 + 7000);
    expect(test.readAt).toEqual([test.time.now()]);
    await test.time.advance(480_000);
    expect(test.readAt.slice(1).every((ms) => ms % 240_000 === 0)).toBe(true);
    expect(test.readAt).toHaveLength(3);
  });

  it("goes on within one interval of a clock set back", async () => {
    const test = new LoopUnderTest({ intervalMs: 60_000 });
    await test.time.advance(90_000);
    test.forget();
    test.jump(-3_600_000);
    expect(test.readAt).toEqual([]);
    await test.time.advance(60_000);
    expect(test.readAt).toHaveLength(1);
    expect(test.readAt[0] % 60_000).toBe(0);
  });

  it("goes on when a clock is set and nobody tells", async () => {
    for (const stepMs of [-3_599_000, 3_599_000]) {
      const test = new LoopUnderTest();
      await test.time.advance(2000);
      test.time.step(stepMs);
      test.forget();
      await test.time.advance(4000);
      expect(test.readAt.length).toBeGreaterThanOrEqual(3);
      expect(test.readAt.slice(1).every((ms) => ms % 1000 === 0)).toBe(true);
    }
  });

  it("that hangs is aborted, skipped while it hangs, and taken back when it recovers", async () => {
    const test = new LoopUnderTest();
    let finish = (): void => {};
    let aborted = false;
    test.onCollect = (signal) => {
      signal.addEventListener("abort", () => (aborted = true));
      return new Promise((resolve) => (finish = resolve));
    };
    // The simulated clock waits for a task, so each second is asked for by itself.
    for (let i = 0; i < 5; i++) {
      void test.time.advance(1000);
      await settle();
    }
    expect(aborted).toBe(true);
    expect(test.failures).toEqual(["a reading took longer than 1000 ms and was aborted"]);
    expect(test.readAt).toHaveLength(1);
    expect(test.skipped).toBeGreaterThanOrEqual(3);
    finish();
    test.onCollect = () => {};
    await settle();
    await test.time.advance(10_000);
    expect(test.collected).toBeGreaterThanOrEqual(1);
  });

  it("reads at once what was due since the loop before it", async () => {
    expect(new LoopUnderTest({ intervalMs: 60_000, servedMs: START_MS - 61_000 }).readAt).toHaveLength(1);
    expect(new LoopUnderTest({ intervalMs: 60_000, servedMs: START_MS + 100 }).readAt).toHaveLength(0);
    expect(new LoopUnderTest({ intervalMs: 60_000, atOnce: true }).readAt).toHaveLength(1);
  });

  it("does nothing more once it is disposed", async () => {
    const test = new LoopUnderTest();
    await test.time.advance(1000);
    test.loop.dispose();
    await test.time.advance(10_000);
    expect(test.readAt).toHaveLength(1);
    await expect(test.loop.collectNow()).rejects.toMatchObject({ code: "stopped" });
  });
});

describe("a collector that fails", () => {
  it("is asked less and less often, at least once in as many ticks as are set", async () => {
    const test = new LoopUnderTest({ strategy: { circuit: { max_ticks: 4 } } });
    test.onCollect = fail;
    await test.time.advance(20_000);
    expect(test.seconds).toEqual([1, 2, 4, 8, 12, 16, 20]);
    expect(test.skipped).toBe(13);
    expect(test.loop.pace().intervalMs).toBe(4000);
    test.onCollect = () => {};
    await test.time.advance(4000);
    test.forget();
    await test.time.advance(3000);
    expect(test.readAt).toHaveLength(3);
  });

  it("is only probed once the circuit is open, and read as before after one good reading", async () => {
    const test = new LoopUnderTest({ strategy: { circuit: { max_ticks: 2, open_after: 3, probe_interval: "30s" } } });
    test.onCollect = fail;
    await test.time.advance(5000);
    expect(test.seconds).toEqual([1, 2, 4]);
    expect(test.loop.pace()).toEqual({ intervalMs: 30_000, reason: "periodic; slower after 3 failures in a row, only probed" });
    await test.time.advance(60_000);
    expect(test.seconds).toEqual([1, 2, 4, 34, 64]);
    test.onCollect = () => {};
    await test.time.advance(29_000);
    test.forget();
    await test.time.advance(5000);
    expect(test.readAt).toHaveLength(5);
    expect(test.loop.pace().reason).toBe("periodic");
  });

  it("is tried again within its interval where that may help, after waits of full jitter", async () => {
    const test = new LoopUnderTest({ strategy: { interval: "10s", retry: { attempts: 4, base: "1s", max: "3s" } } });
    let tries = 0;
    test.onCollect = () => (++tries < 4 ? Promise.reject(new RetryableError("try later")) : Promise.resolve());
    await test.time.advance(20_000);
    // Halves of 1, 2 and 3 s after the first.
    expect(test.seconds.slice(0, 4)).toEqual([10, 10.5, 11.5, 13]);
    expect(test.failures).toEqual([]);
    expect(test.collected).toBe(2);
  });

  it("is not tried beyond its next tick, nor for an error that stays", async () => {
    const test = new LoopUnderTest({ strategy: { retry: { attempts: 5, base: "10s", max: "10s" } } });
    test.onCollect = () => {
      throw new RetryableError("try later");
    };
    await test.time.advance(1500);
    expect(test.failures).toEqual(["try later"]);
    const other = new LoopUnderTest();
    other.onCollect = fail;
    await other.time.advance(1500);
    expect(other.readAt).toHaveLength(1);
  });

  it("fails at its deadline also while it waits to be tried again", async () => {
    const test = new LoopUnderTest({
      strategy: { interval: "1m", deadline: "2s", retry: { attempts: 10, base: "10s", max: "10s" } },
    });
    test.random = 0.3;
    test.onCollect = () => Promise.reject(new RetryableError("try later"));
    await test.time.advance(63_000);
    expect(test.failures).toEqual(["a reading took longer than 2000 ms and was aborted"]);
    await test.loop.idle();
    expect(test.readAt).toHaveLength(1);
  });

  it("does not wait to be tried again once it is disposed", async () => {
    const test = new LoopUnderTest({ strategy: { interval: "10s", retry: { base: "5s" } } });
    test.onCollect = () => Promise.reject(new RetryableError("try later"));
    await test.time.advance(10_000);
    const asked = test.loop.collectNow();
    test.loop.dispose();
    await test.loop.idle();
    expect((await asked).error).toMatchObject({ code: "stopped" });
    await test.time.advance(20_000);
    expect(test.readAt).toHaveLength(1);
  });
});

describe("an adaptive collector", () => {
  const adaptive = { mode: "adaptive", min_interval: "1s", max_interval: "16s", stable_readings: 2, hold: "20s" };

  it("slows down while nothing changes and is back at its fastest with the first change", async () => {
    const test = new LoopUnderTest({ strategy: adaptive });
    let value = 100;
    test.onCollect = () => test.emit(value, 5);
    await test.time.advance(120_000);
    expect(test.intervalMs).toBe(16_000);
    expect(test.loop.pace().reason).toMatch(/^nothing has changed in \d+ readings$/);
    // Within the tolerance of 1 %.
    value = 100.5;
    await test.time.advance(32_000);
    expect(test.intervalMs).toBe(16_000);
    value = 120;
    await test.nextReading();
    expect(test.loop.pace()).toEqual({ intervalMs: 1000, reason: "its values change" });
    test.forget();
    await test.time.advance(2000);
    expect(test.readAt).toHaveLength(2);
    expect(test.skipped).toBe(0);
  });

  it("takes steady growth of a counter for standing still, and another growth for a change", async () => {
    const test = new LoopUnderTest({ strategy: adaptive });
    test.infos[0] = { name: "demo_total", labels: {}, type: "counter", help: "x" };
    let rate = 3;
    test.onCollect = () => test.emit((test.time.now() - START_MS) * rate);
    await test.time.advance(120_000);
    expect(test.intervalMs).toBe(16_000);
    rate = 5;
    await test.nextReading();
    expect(test.intervalMs).toBe(1000);
  });

  it("takes a series that comes or goes for a change", async () => {
    const test = new LoopUnderTest({ strategy: adaptive });
    let values = [1, 2];
    test.onCollect = () => test.emit(...values);
    await test.time.advance(120_000);
    values = [1];
    await test.nextReading();
    expect(test.intervalMs).toBe(1000);
  });

  it("is at its fastest around an anomaly of its own or a critical one, for as long as is set", async () => {
    const test = new LoopUnderTest({ strategy: adaptive });
    test.onCollect = () => test.emit(1);
    await test.time.advance(120_000);
    test.tell("finding", finding("other_metric"));
    expect(test.intervalMs).toBe(16_000);
    for (const one of [
      finding("demo_0"),
      finding("other_metric", { severity: "critical" }),
      finding("alluse_panel_value", { labels: { panel: "collectors/demo/cpu" } }),
    ]) {
      test.tell("finding", one);
      expect(test.loop.pace()).toEqual({ intervalMs: 1000, reason: `at its fastest around an anomaly of ${one.metric}` });
      test.forget();
      await test.time.advance(10_000);
      expect(test.readAt).toHaveLength(10);
      await test.time.advance(110_000);
      expect(test.intervalMs).toBe(16_000);
    }
    test.tell("finding", finding("demo_0", { labels: { plugin_instance: "lan" } }));
    test.tell("finding", finding("alluse_panel_value", { labels: { panel: "collectors/demo-two/cpu" } }));
    expect(test.intervalMs).toBe(16_000);
  });

  it("is slower on battery and under load, but not around an anomaly", async () => {
    const test = new LoopUnderTest({ strategy: adaptive });
    let value = 0;
    test.onCollect = () => test.emit(++value * 100);
    await test.time.advance(5000);
    expect(test.intervalMs).toBe(1000);
    test.battery = true;
    await test.time.advance(2000);
    expect(test.loop.pace()).toEqual({ intervalMs: 4000, reason: "slower on battery" });
    test.setLevel(1);
    expect(test.loop.pace()).toEqual({ intervalMs: 8000, reason: "slower on battery and at load level 1" });
    test.forget();
    await test.time.advance(32_000);
    expect(test.readAt).toHaveLength(4);
    test.tell("finding", finding("demo_0"));
    expect(test.intervalMs).toBe(1000);
    test.battery = false;
    test.setLevel(0);
    await test.time.advance(60_000);
    expect(test.intervalMs).toBe(1000);
  });

  it("does not take failures for values that stand still", async () => {
    const test = new LoopUnderTest({ strategy: { ...adaptive, circuit: { max_ticks: 1 } } });
    test.onCollect = fail;
    await test.time.advance(60_000);
    expect(test.readAt).toHaveLength(60);
  });
});

describe("an event-driven collector", () => {
  const event = { mode: "event", on: ["finding"], debounce: "2s", min_interval: "10s" };

  it("is read once for what happens together, and no more often than is set", async () => {
    const test = new LoopUnderTest({ strategy: event });
    await test.time.advance(60_000);
    expect(test.readAt).toEqual([]);
    for (let i = 0; i < 60; i++) {
      test.tell("finding", finding("x"));
      await test.time.advance(500);
    }
    await test.time.advance(30_000);
    expect(test.seconds).toEqual([62, 72, 82, 92]);
    expect(test.intervalMs).toBeNull();
    expect(test.loop.pace().reason).toMatch(/^upon events: the last was a finding at 2026-/);
  });

  it("is read again for what happened while it was read", async () => {
    const test = new LoopUnderTest({ strategy: event });
    let finish = (): void => {};
    test.onCollect = () => new Promise((resolve) => (finish = resolve));
    test.tell("finding", finding("x"));
    void test.time.advance(3000);
    await settle();
    test.tell("finding", finding("x"));
    void test.time.advance(11_000);
    await settle();
    expect(test.readAt).toHaveLength(1);
    finish();
    test.onCollect = () => {};
    await settle();
    await test.time.advance(11_000);
    expect(test.readAt).toHaveLength(2);
  });

  it("is also read at intervals when one is set, and upon gaps", async () => {
    const test = new LoopUnderTest({ strategy: { mode: "event", on: ["gap"], debounce: 0, interval: "1m" } });
    await test.time.advance(125_000);
    expect(test.seconds).toEqual([60, 120]);
    test.tell("gap", { fromMs: 0, toMs: 1, reason: "x" });
    await test.time.advance(6000);
    expect(test.seconds).toEqual([60, 120, 130]);
  });

  it("of an installed plugin's own making hears only of what the plugin may read", async () => {
    const rights = { mayRead: (metric: string | null) => metric === "node_load1", readablePaths: [] };
    const test = new LoopUnderTest({ manifest: { strategy: event }, rights });
    test.tell("finding", finding("secret_metric"));
    await test.time.advance(5000);
    expect(test.readAt).toEqual([]);
    test.tell("finding", finding("node_load1"));
    await test.time.advance(5000);
    expect(test.readAt).toHaveLength(1);
    const byOperator = new LoopUnderTest({ strategy: event, rights });
    byOperator.tell("finding", finding("secret_metric"));
    await byOperator.time.advance(5000);
    expect(byOperator.readAt).toHaveLength(1);
    const watching = new LoopUnderTest({ manifest: { strategy: { mode: "event", watch: "/etc/shadow" } }, rights });
    expect([...watching.held.keys()]).toEqual(["permission_denied"]);
  });
});

describe("a collector with a condition", () => {
  const threshold = { mode: "threshold", when: "node_load1 > 4", check_interval: "5s", for: "10s" };
  const row = [{ labels: {}, value: 5, timestampMs: 0 }];

  it("is read only while the condition holds, switched on and off with a delay", async () => {
    const test = new LoopUnderTest({ strategy: threshold });
    await test.time.advance(60_000);
    expect(test.readAt).toEqual([]);
    test.onQuery = () => row;
    await test.time.advance(10_000);
    expect(test.readAt).toEqual([]);
    await test.time.advance(10_000);
    expect(test.readAt.length).toBeGreaterThanOrEqual(5);
    expect(test.loop.pace()).toEqual({ intervalMs: 1000, reason: "node_load1 > 4 holds" });
    // A dip is too short to count.
    test.onQuery = () => [];
    await test.time.advance(9000);
    test.onQuery = () => row;
    await test.time.advance(20_000);
    expect(test.intervalMs).toBe(1000);
    test.onQuery = () => [];
    await test.time.advance(20_000);
    test.forget();
    await test.time.advance(60_000);
    expect(test.readAt).toEqual([]);
    expect(test.skipped).toBe(0);
    expect(test.loop.pace()).toEqual({ intervalMs: null, reason: "node_load1 > 4 does not hold" });
  });

  it("is read slowly otherwise when that is set", async () => {
    const test = new LoopUnderTest({ strategy: { ...threshold, idle_interval: "20s" } });
    await test.time.advance(60_000);
    expect(test.seconds).toEqual([20, 40, 60]);
  });

  it("is degraded while the condition cannot be looked at, and goes on as it was", async () => {
    const test = new LoopUnderTest({ strategy: { ...threshold, for: 0 } });
    test.onQuery = () => row;
    await test.time.advance(10_000);
    test.onQuery = () => {
      throw new AgentError("query_parse", "1:3: unexpected >");
    };
    await test.time.advance(20_000);
    expect(test.held.get("condition_failed")).toBe("its condition cannot be looked at: 1:3: unexpected >");
    expect(test.holds).toEqual(["condition_failed"]);
    expect(test.intervalMs).toBe(1000);
    test.onQuery = () => row;
    await test.time.advance(5000);
    expect(test.held.size).toBe(0);
  });

  it("of an installed plugin's own making looks only at what the plugin may read", async () => {
    let asked = 0;
    const rights = { mayRead: () => false, readablePaths: [] };
    const test = new LoopUnderTest({ manifest: { strategy: threshold }, rights });
    test.onQuery = () => (asked++, row);
    await test.time.advance(60_000);
    expect(asked).toBe(0);
    expect(test.held.get("permission_denied")).toMatch(
      /condition reads node_load1, for which it has no permission metrics:read:node_load1/,
    );
  });
});

describe("a collector on demand", () => {
  it("is read only when asked, and answers what came", async () => {
    const test = new LoopUnderTest({ strategy: { mode: "on_demand" } });
    test.onCollect = () => test.emit(1, 2, 3);
    await test.time.advance(60_000);
    expect(test.readAt).toEqual([]);
    expect(await test.loop.collectNow()).toEqual({ samples: 3, ms: 0, error: null });
    test.onCollect = () => Promise.reject(new AgentError("read_failed", "no such file"));
    expect(await test.loop.collectNow()).toEqual({ samples: 0, ms: 0, error: { code: "read_failed", message: "no such file" } });
    expect(test.loop.pace().intervalMs).toBeNull();
  });

  it("shares a reading that is under way, and is read whatever keeps it from reading by itself", async () => {
    const test = new LoopUnderTest({ strategy: { mode: "on_demand", priority: "low" } });
    test.setLevel(3);
    let finish = (): void => {};
    test.onCollect = () => new Promise((resolve) => (finish = resolve));
    const [a, b] = [test.loop.collectNow(), test.loop.collectNow()];
    finish();
    expect([(await a).error, (await b).error]).toEqual([null, null]);
    expect(test.readAt).toHaveLength(1);
  });
});

describe("under load", () => {
  it.each([
    ["low", [60, 30, 0, 0]],
    ["normal", [60, 60, 30, 15]],
    ["high", [60, 60, 60, 30]],
    ["critical", [60, 60, 60, 60]],
  ] as const)("a collector of priority %s gets its share of ticks, and the rest is counted", async (priority, counts) => {
    const test = new LoopUnderTest({ strategy: { priority } });
    for (const level of [0, 1, 2, 3] as const) {
      test.setLevel(level);
      test.forget();
      await test.time.advance(60_000);
      expect(test.readAt, `level ${level}`).toHaveLength(counts[level]);
      expect(test.skipped).toBe(60 - counts[level]);
      expect(test.intervalMs).toBe(counts[level] === 0 ? null : 60_000 / counts[level]);
    }
  });

  it("one that is paused says so and goes on by itself", async () => {
    const test = new LoopUnderTest({ strategy: { priority: "low" } });
    test.setLevel(2);
    expect(test.held.get("yielding")).toBe(
      "it is not read while the agent is under load (a test), being of priority low; it goes on by itself",
    );
    test.setLevel(3);
    test.setLevel(1);
    expect(test.held.size).toBe(0);
    expect(test.loop.pace().reason).toBe("periodic; one tick in 2 at load level 1");
  });
});

describe("without a network", () => {
  const net = { manifest: { permissions: ["net:api.example:443"] as string[] } };
  const unreachable = (): never => {
    throw new AgentError("fetch_failed", "api.example gave no answer: getaddrinfo ENOTFOUND api.example");
  };

  it("a collector is offline after a few requests that find nobody, tried now and then, and says it once", async () => {
    const test = new LoopUnderTest(net);
    test.onCollect = unreachable;
    await test.time.advance(300_000);
    expect(test.failures).toHaveLength(2);
    expect(test.holds).toEqual(["offline"]);
    expect(test.held.get("offline")).toMatch(/^the network is away \(api\.example gave no answer/);
    expect(test.loop.pace()).toMatchObject({ intervalMs: 60_000 });
    expect(test.readAt.length).toBeLessThan(9);
    expect(test.skipped).toBe(300 - test.readAt.length);
    test.onCollect = () => {};
    await test.time.advance(61_000);
    expect(test.held.size).toBe(0);
    test.forget();
    await test.time.advance(10_000);
    expect(test.readAt).toHaveLength(10);
  });

  it("comes back as soon as the network does", async () => {
    const test = new LoopUnderTest(net);
    test.up = false;
    test.onCollect = unreachable;
    await test.time.advance(10_000);
    expect(test.failures).toEqual([]);
    expect([...test.held.keys()]).toEqual(["offline"]);
    test.forget();
    test.setUp(false);
    expect(test.readAt).toEqual([]);
    test.onCollect = () => {};
    test.setUp(true);
    expect(test.readAt).toHaveLength(1);
    expect(test.held.size).toBe(0);
    await test.time.advance(5000);
    expect(test.readAt).toHaveLength(6);
  });

  it("one that says it needs a network is not even read without one", async () => {
    const test = new LoopUnderTest({ strategy: { requires_network: true } });
    test.up = false;
    await test.time.advance(50_000);
    expect(test.readAt).toEqual([]);
    expect(test.held.get("offline")).toMatch(/^the network is away \(this machine has no network\)/);
    test.setUp(true);
    await test.time.advance(3000);
    expect(test.readAt).toHaveLength(4);
  });

  it("one that asks only this machine, or that says so, is never offline", async () => {
    for (const options of [
      { manifest: { permissions: ["net:127.0.0.1:9100", "net:localhost"] } },
      { ...net, strategy: { requires_network: false } },
    ]) {
      const test = new LoopUnderTest(options);
      test.onCollect = unreachable;
      await test.time.advance(20_000);
      expect(test.holds).toEqual([]);
    }
  });

  it("a server that refuses or errs is a failure as any other", async () => {
    const test = new LoopUnderTest(net);
    test.onCollect = () => {
      throw new AgentError("fetch_failed", "api.example gave no answer: connect ECONNREFUSED 192.0.2.1:443");
    };
    await test.time.advance(60_000);
    expect(test.holds).toEqual([]);
    expect(test.failures.length).toBeGreaterThan(3);
  });
});
