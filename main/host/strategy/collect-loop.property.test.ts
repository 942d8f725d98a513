import { RetryableError } from "all-use-agent/sdk";
import fc from "fast-check";
import { expect, it } from "vitest";
import { SimulatedTime, tickOf } from "../time.ts";
import type { LoadLevel } from "./load-rule.ts";
import { Ticker } from "./ticker.ts";
import { finding, LoopUnderTest, START_MS } from "./testdata/loop-under-test.ts";

/** Timers that fire a little early count. */
const NEAR_MS = 2;

const intervalMs = fc.integer({ min: 100, max: 240_000 });

it("ticks stay on their grid and do not drift, at whatever interval, offset and time of the start", () =>
  fc.assert(
    fc.asyncProperty(
      intervalMs,
      fc.integer({ min: 0, max: 600_000 }),
      fc.integer({ min: 0, max: 1e12 }),
      async (every, phaseMs, startMs) => {
        const test = new LoopUnderTest({ strategy: { interval: every, phase: phaseMs }, startMs });
        await test.time.advance(every * 50);
        // A boundary that is as near as a timer may be early counts as passed at the start, and one beyond the end has not come.
        expect(test.readAt.length).toBeGreaterThanOrEqual(49);
        expect(test.readAt.length).toBeLessThanOrEqual(50);
        test.readAt.reduce((before, ms) => (expect(Math.abs(ms - before - every)).toBeLessThanOrEqual(NEAR_MS), ms));
        for (const ms of test.readAt) expect((((ms - phaseMs) % every) + every) % every).toBeLessThanOrEqual(NEAR_MS);
      },
    ),
    { numRuns: 50 },
  ));

it("a ticker whose interval changes all the time ticks on the grid of the interval in force, at most once a tick", () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ every: fc.integer({ min: 100, max: 60_000 }), forMs: fc.integer({ min: 1, max: 120_000 }) }), {
        maxLength: 20,
      }),
      fc.integer({ min: 0, max: 100_000 }),
      async (changes, offsetMs) => {
        const time = new SimulatedTime(START_MS);
        let every = 1000;
        let last = -1;
        const ticker = new Ticker(time, offsetMs, () => {
          const nowMs = time.now();
          expect((nowMs - offsetMs + NEAR_MS) % every).toBeLessThanOrEqual(2 * NEAR_MS);
          expect(tickOf(nowMs, every, offsetMs)).toBeGreaterThan(last);
          last = tickOf(nowMs, every, offsetMs);
        });
        ticker.set(every);
        for (const change of changes) {
          every = change.every;
          last = tickOf(time.now(), every, offsetMs) - 1;
          ticker.set(every);
          await time.advance(change.forMs);
        }
        ticker.dispose();
      },
    ),
    { numRuns: 100 },
  ));

/** What can happen to a collector. */
const happening = fc.oneof(
  fc.record({ kind: fc.constant("wait" as const), ms: fc.integer({ min: 1, max: 20_000 }) }),
  fc.record({ kind: fc.constant("jump" as const), ms: fc.integer({ min: -3_600_000, max: 3_600_000 }) }),
  fc.record({ kind: fc.constant("load" as const), level: fc.integer({ min: 0, max: 3 }) }),
  fc.record({ kind: fc.constant("finding" as const) }),
  fc.record({ kind: fc.constant("battery" as const) }),
  fc.record({ kind: fc.constant("ask" as const) }),
  fc.record({ kind: fc.constant("network" as const) }),
  fc.record({ kind: fc.constant("outcome" as const), outcome: fc.constantFrom("good", "late", "fail", "retry", "offline") }),
);

it.each(["periodic", "adaptive", "event", "threshold", "on_demand"])(
  "a %s collector is never read twice at a time, whatever happens, and a critical one that works gets every tick",
  (mode) =>
    fc.assert(
      fc.asyncProperty(fc.array(happening, { maxLength: 40 }), async (happenings) => {
        const modes: Record<string, object> = {
          adaptive: { max_interval: "8s" },
          event: { on: ["finding"], min_interval: "2s", interval: "5s" },
          threshold: { when: "up", for: 0, check_interval: "1s" },
        };
        const strategy = { mode, priority: "critical", requires_network: true, ...modes[mode] };
        const test = new LoopUnderTest({ strategy });
        let outcome = "good";
        test.onQuery = () => [{ labels: {}, value: 1, timestampMs: 0 }];
        test.onCollect = () => {
          test.emit(1);
          if (outcome === "fail") throw new Error("no");
          if (outcome === "retry") return Promise.reject(new RetryableError("later"));
          if (outcome === "offline") return Promise.reject(new Error("connect ENETUNREACH"));
          if (outcome === "late") return new Promise((resolve) => void test.time.after(700, () => resolve()));
          return undefined;
        };
        for (const one of happenings) {
          // A reading that waits for time must not hold time up: nobody waits for it.
          if (one.kind === "wait")
            for (let ms = 0; ms < one.ms; ms += 500) await Promise.race([test.time.advance(500), turns(50)]);
          else if (one.kind === "jump") test.jump(one.ms);
          else if (one.kind === "load") test.setLevel(one.level as LoadLevel);
          else if (one.kind === "finding") test.tell("finding", finding("demo_0"));
          else if (one.kind === "battery") test.battery = !test.battery;
          else if (one.kind === "network") test.setUp(!test.up);
          else if (one.kind === "ask") void test.loop.collectNow();
          else outcome = one.outcome;
          expect(test.overlapped).toBe(false);
        }
        outcome = "good";
        test.battery = false;
        test.setUp(true);
        for (let i = 0; i < 400; i++) await Promise.race([test.time.advance(500), turns(50)]);
        test.forget();
        const skippedBefore = test.skipped;
        test.setLevel(3);
        for (let i = 0; i < 80; i++) await Promise.race([test.time.advance(500), turns(50)]);
        expect(test.overlapped).toBe(false);
        expect(test.skipped).toBe(skippedBefore);
        if (mode === "periodic" || mode === "threshold") expect(test.readAt.length).toBeGreaterThanOrEqual(39);
        if (mode === "adaptive") expect(test.readAt.length).toBeGreaterThanOrEqual(4);
        test.loop.dispose();
      }),
      { numRuns: 40 },
    ),
);

async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await Promise.resolve();
}
