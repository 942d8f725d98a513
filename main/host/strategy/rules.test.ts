import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AgentError, PRIORITIES } from "all-use-agent/sdk";
import fc from "fast-check";
import { describe, expect, it, onTestFinished } from "vitest";
import { SimulatedTime } from "../time.ts";
import { AdaptiveRule } from "./adaptive-rule.ts";
import { ChangeWatch } from "./change-watch.ts";
import { EventRule } from "./event-rule.ts";
import { LOAD_LOOK_MS, LoadMonitor } from "./load-monitor.ts";
import { LoadReadings, pressure } from "./load-readings.ts";
import { type LoadReading, LoadRule } from "./load-rule.ts";
import { Machine, onBatteryBySysfs } from "./machine.ts";
import { networkVerdict } from "./offline-rule.ts";
import { RetryRule } from "./retry-rule.ts";
import { ThresholdRule } from "./threshold-rule.ts";
import { YieldRule } from "./yield-rule.ts";

const IDLE: LoadReading = { delayP99Ms: 2, cpuShare: 0.01, residentBytes: 7e7, cpuPressure: 0, memoryPressure: 0 };

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), "alluse-strategy-"));
  onTestFinished(() => rmSync(path, { recursive: true }));
  return path;
}

describe("LoadRule", () => {
  it("rises when two looks in a row find it, by as much as both do, and names the reason", () => {
    const rule = new LoadRule();
    expect(rule.look(0, { ...IDLE, delayP99Ms: 2000 })).toBe(false);
    expect(rule.look(5000, IDLE)).toBe(false);
    expect(rule.look(10_000, { ...IDLE, delayP99Ms: 2000 })).toBe(false);
    expect(rule.look(15_000, { ...IDLE, delayP99Ms: 350 })).toBe(true);
    expect(rule).toMatchObject({ level: 2, reason: "its event loop is 350 ms late" });
  });

  it("falls by one after half a minute of less, not for a lull", () => {
    const rule = new LoadRule();
    for (const ms of [0, 5000]) rule.look(ms, { ...IDLE, cpuShare: 0.95 });
    expect(rule.level).toBe(2);
    for (let ms = 10_000; ms < 35_000; ms += 5000) rule.look(ms, IDLE);
    rule.look(35_000, { ...IDLE, cpuShare: 0.95 });
    expect(rule.level).toBe(2);
    const levels = [];
    for (let ms = 40_000; ms <= 105_000; ms += 5000) {
      rule.look(ms, IDLE);
      levels.push(rule.level);
    }
    expect(levels).toEqual([2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 0, 0]);
    expect(rule.reason).toBeNull();
  });

  it.each([
    [{ cpuShare: 0.7 }, 1],
    [{ cpuPressure: 0.99 }, 1],
    [{ cpuPressure: null, memoryPressure: null }, 0],
    [{ memoryPressure: 0.5 }, 2],
    [{ residentBytes: 400 * 2 ** 20 }, 1],
    [{ delayP99Ms: 1500 }, 3],
    [{ delayP99Ms: Number.NaN }, 0],
  ])("%j is level %i", (part, level) => {
    const rule = new LoadRule();
    for (const ms of [0, 5000]) rule.look(ms, { ...IDLE, ...part });
    expect(rule.level).toBe(level);
  });

  it("is never above the highest that was found, and comes to rest at what is found all the time", () => {
    const share = fc.double({ min: 0, max: 2, noNaN: true });
    fc.assert(
      fc.property(fc.array(share, { maxLength: 60 }), share, (before, last) => {
        const rule = new LoadRule();
        let ms = 0;
        for (const cpuShare of before) rule.look((ms += 5000), { ...IDLE, cpuShare });
        for (let i = 0; i < 40; i++) rule.look((ms += 5000), { ...IDLE, cpuShare: last });
        expect(rule.level).toBe(last >= 0.9 ? 2 : last >= 0.6 ? 1 : 0);
        expect(rule.reason === null).toBe(rule.level === 0);
      }),
    );
  });
});

describe("LoadMonitor", () => {
  it("tells whoever listens when the level is another", async () => {
    const time = new SimulatedTime(0);
    let reading = IDLE;
    const monitor = new LoadMonitor(time, () => reading);
    const levels: number[] = [];
    const listening = monitor.onChange(() => levels.push(monitor.level));
    reading = { ...IDLE, delayP99Ms: 5000 };
    await time.advance(3 * LOAD_LOOK_MS);
    reading = IDLE;
    await time.advance(40 * LOAD_LOOK_MS);
    expect(levels).toEqual([3, 2, 1, 0]);
    await listening.dispose();
    monitor.dispose();
  });

  it("reads this process and this machine", () => {
    const readings = new LoadReadings();
    const { delayP99Ms, cpuShare, residentBytes } = readings.read();
    readings.dispose();
    expect(delayP99Ms).toBeGreaterThanOrEqual(0);
    expect(cpuShare).toBeGreaterThanOrEqual(0);
    expect(residentBytes).toBeGreaterThan(1e7);
    const file = join(folder(), "memory");
    writeFileSync(file, "some avg10=12.50 avg60=1.00 avg300=0.00 total=5\nfull avg10=3.25 avg60=0.00 avg300=0.00 total=1\n");
    expect([pressure(file, "some"), pressure(file, "full"), pressure(`${file}-none`, "some")]).toEqual([0.125, 0.0325, null]);
  });
});

describe("YieldRule", () => {
  it("never starves a critical collector, nor anyone but low, whatever the load does", () => {
    const level = fc.integer({ min: 0, max: 3 });
    fc.assert(
      fc.property(fc.array(level, { minLength: 1, maxLength: 200 }), fc.constantFrom(...PRIORITIES), (levels, priority) => {
        const rule = new YieldRule(priority);
        let inARow = 0;
        let longest = 0;
        for (const one of levels) {
          inARow = rule.leaveOut(one) ? inARow + 1 : 0;
          longest = Math.max(longest, inARow);
        }
        const most = { critical: 0, high: 1, normal: 3, low: Infinity }[priority];
        expect(longest).toBeLessThanOrEqual(most);
      }),
    );
  });
});

describe("RetryRule", () => {
  it("waits a random part of a time that doubles up to its limit, no more often than is set", () => {
    const tries = fc.array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), { minLength: 20, maxLength: 20 });
    const limits = fc.record({
      attempts: fc.integer({ min: 1, max: 10 }),
      baseMs: fc.integer({ min: 1, max: 5000 }),
      maxMs: fc.integer({ min: 5000, max: 60_000 }),
    });
    fc.assert(
      fc.property(limits, tries, (limit, random) => {
        const rule = new RetryRule(limit);
        const waits = random.map((one) => rule.waitMs(one, Infinity));
        expect(waits.filter((ms) => ms !== null)).toHaveLength(limit.attempts - 1);
        waits.forEach((ms, i) => expect(ms ?? 0).toBeLessThanOrEqual(Math.min(limit.maxMs, limit.baseMs * 2 ** i)));
      }),
    );
  });
});

describe("EventRule", () => {
  it("reads soon after every event, and two readings are never nearer than is set", () => {
    const gaps = fc.array(fc.integer({ min: 1, max: 30_000 }), { minLength: 1, maxLength: 100 });
    fc.assert(
      fc.property(gaps, (between) => {
        const rule = new EventRule({ debounceMs: 1000, minMs: 10_000 });
        const reads: number[] = [];
        let nowMs = 0;
        let dueMs: number | null = null;
        const serve = (untilMs: number): void => {
          if (dueMs === null || dueMs > untilMs) return;
          rule.served();
          rule.read(dueMs);
          reads.push(dueMs);
          dueMs = null;
        };
        for (const gap of between) {
          serve((nowMs += gap));
          const waitMs = rule.happened(nowMs);
          if (waitMs !== null) dueMs = nowMs + waitMs;
          expect(dueMs! - nowMs).toBeLessThanOrEqual(10_000);
        }
        serve(Infinity);
        reads.slice(1).forEach((ms, i) => expect(ms - reads[i]).toBeGreaterThanOrEqual(10_000));
        expect(reads.at(-1)).toBeGreaterThanOrEqual(nowMs);
      }),
    );
  });
});

describe("ThresholdRule", () => {
  it("counts only what lasts, and begins to wait anew when nothing is known", () => {
    const rule = new ThresholdRule(10_000);
    expect([rule.looked(0, true), rule.looked(9000, true), rule.active]).toEqual([false, false, false]);
    rule.failed();
    expect([rule.looked(10_000, true), rule.looked(20_000, true), rule.active]).toEqual([false, true, true]);
    expect([rule.looked(21_000, false), rule.looked(25_000, true), rule.looked(34_000, false), rule.active]).toEqual([
      false,
      false,
      false,
      true,
    ]);
    expect(new ThresholdRule(0).looked(0, true)).toBe(true);
  });
});

describe("AdaptiveRule", () => {
  it("stays within its limits, whatever it sees", () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant("read" as const), changed: fc.boolean() }),
      fc.record({ kind: fc.constant("alarm" as const) }),
      fc.record({ kind: fc.constant("wait" as const), ms: fc.integer({ min: -1e6, max: 1e6 }) }),
    );
    const limits = fc.record({
      minMs: fc.integer({ min: 100, max: 60_000 }),
      maxMs: fc.integer({ min: 60_000, max: 240_000 }),
      stableReadings: fc.integer({ min: 1, max: 10 }),
      holdMs: fc.integer({ min: 1000, max: 600_000 }),
      batteryFactor: fc.integer({ min: 1, max: 20 }),
    });
    fc.assert(
      fc.property(
        limits,
        fc.array(step, { maxLength: 200 }),
        fc.boolean(),
        fc.integer({ min: 0, max: 3 }),
        (limit, steps, onBattery, loadLevel) => {
          const rule = new AdaptiveRule(limit);
          let nowMs = 0;
          for (const one of steps) {
            if (one.kind === "read") rule.read(one.changed);
            else if (one.kind === "alarm") rule.alarm(nowMs, "x");
            else nowMs += one.ms;
            const { intervalMs } = rule.pace(nowMs, { onBattery, loadLevel });
            expect(intervalMs).toBeGreaterThanOrEqual(limit.minMs);
            expect(intervalMs).toBeLessThanOrEqual(limit.maxMs);
          }
          for (let i = 0; i < 20 * limit.stableReadings; i++) rule.read(false);
          expect(rule.pace(nowMs + 1e7, { onBattery, loadLevel }).intervalMs).toBe(limit.maxMs);
        },
      ),
    );
  });
});

describe("ChangeWatch", () => {
  it("forgets series that are gone: churn does not make it grow", () => {
    const watch = new ChangeWatch(0.01, () => "gauge");
    for (let i = 0; i < 1000; i++) {
      const series = Uint32Array.from({ length: 10 }, (_, k) => i * 10 + k);
      watch.take({ length: 10, series, timestamps: new Float64Array(10).fill(i), values: new Float64Array(10) });
      expect(watch.ended()).toBe(true);
    }
    expect(watch.size).toBeLessThan(200);
  });

  it("takes NaN for itself and zero for an end of what moved", () => {
    const watch = new ChangeWatch(0.5, () => "gauge");
    const read = (value: number): boolean => {
      watch.take({ length: 1, series: Uint32Array.of(1), timestamps: Float64Array.of(0), values: Float64Array.of(value) });
      return watch.ended();
    };
    expect([Number.NaN, Number.NaN, 4, 3, 0, 0, -1, Infinity, Infinity].map(read)).toEqual([
      true,
      false,
      true,
      false,
      true,
      false,
      true,
      true,
      false,
    ]);
  });
});

describe("what an error says of the network", () => {
  it.each([
    [new AgentError("fetch_failed", "x gave no answer: getaddrinfo EAI_AGAIN x"), "away"],
    [
      new AgentError("fetch_failed", "no answer", { cause: Object.assign(new Error("connect"), { code: "ENETUNREACH" }) }),
      "away",
    ],
    [new AgentError("program_failed", "its program ended with status 6: curl: (6) Could not resolve host: x"), "away"],
    [new AgentError("program_failed", "ping: connect: Network is unreachable"), "away"],
    [new AgentError("fetch_failed", "connect ECONNREFUSED 192.0.2.1:1"), "there"],
    [new Error("no sensor"), "there"],
    [null, "there"],
    [new AgentError("collect_timeout", "too long"), "unclear"],
    [new AgentError("timeout", "too long"), "unclear"],
  ])("%s: %s", (error, verdict) => {
    expect(networkVerdict(error)).toBe(verdict);
  });
});

describe("the machine", () => {
  function supplies(all: Record<string, Record<string, string>>): string {
    const path = folder();
    for (const [name, files] of Object.entries(all)) {
      mkdirSync(join(path, name));
      for (const [file, text] of Object.entries(files)) writeFileSync(join(path, name, file), `${text}\n`);
    }
    return path;
  }

  it.each([
    [{ BAT0: { type: "Battery", status: "Discharging" }, AC: { type: "Mains", online: "0" } }, true],
    [{ BAT0: { type: "Battery", status: "Charging" }, AC: { type: "Mains", online: "1" } }, false],
    // A machine whose charger is too weak is not meant to save.
    [{ BAT0: { type: "Battery", status: "Discharging" }, AC: { type: "Mains", online: "1" } }, false],
    // A mouse.
    [{ hid: { type: "Battery", scope: "Device", status: "Discharging" } }, false],
    [{}, false],
  ])("by %j is on battery: %s", (all, on) => {
    expect(onBatteryBySysfs(supplies(all as Record<string, Record<string, string>>))).toBe(on);
  });

  it("asks the system now and then only, and looks at networks only while somebody listens", async () => {
    const time = new SimulatedTime(0);
    let asked = 0;
    const load = new LoadMonitor(time, () => IDLE);
    const machine = new Machine({ time, dataDir: "/data", load, onBattery: () => (asked++, asked > 1) });
    expect([machine.onBattery(), machine.onBattery()]).toEqual([false, false]);
    await time.advance(31_000);
    expect(machine.onBattery()).toBe(true);
    expect(asked).toBe(2);
    expect(typeof machine.networkUp()).toBe("boolean");
    expect(machine.seed).toMatch(/ \/data$/);
    const listening = [machine.onNetwork(() => {}), machine.onNetwork(() => {})];
    await time.advance(20_000);
    for (const one of listening) await one.dispose();
    load.dispose();
    expect(onBatteryBySysfs("/nowhere")).toBe(false);
  });
});
