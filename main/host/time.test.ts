import { describe, expect, it } from "vitest";
import { until } from "../../test/support/wait.ts";
import { everyAligned, RealTime, SimulatedTime } from "./time.ts";

describe("everyAligned", () => {
  it("runs at every multiple of the interval of the wall clock", async () => {
    const time = new SimulatedTime(10_250);
    const at: number[] = [];
    everyAligned(time, 1000, () => void at.push(time.now()));
    await time.advance(3000);
    expect(at).toEqual([11_000, 12_000, 13_000].map((ms) => ms));
  });

  it("keeps its phase within the interval", async () => {
    const time = new SimulatedTime(10_000);
    const at: number[] = [];
    everyAligned(time, 1000, () => void at.push(time.now()), undefined, 200);
    await time.advance(2500);
    expect(at).toEqual([10_200, 11_200, 12_200]);
  });

  it("skips and counts the tick when the task before still runs", async () => {
    const time = new SimulatedTime(0);
    let runs = 0;
    let skips = 0;
    let finish = (): void => {};
    everyAligned(
      time,
      1000,
      () => {
        runs++;
        return new Promise<void>((resolve) => (finish = resolve));
      },
      () => skips++,
    );
    // The simulated clock waits for tasks, so the ticks are driven by hand here.
    void time.advance(1000);
    await Promise.resolve();
    void time.advance(2000);
    await Promise.resolve();
    await Promise.resolve();
    expect([runs, skips]).toEqual([1, 2]);
    finish();
  });

  it("goes on within one interval after the wall clock is set back or forward", async () => {
    for (const step of [-3_600_000, 3_600_000]) {
      const time = new SimulatedTime(7_200_000);
      let ticks = 0;
      everyAligned(time, 1000, () => void ticks++);
      await time.advance(2000);
      time.step(step);
      await time.advance(3000);
      expect(ticks).toBeGreaterThanOrEqual(4);
      expect(ticks).toBeLessThanOrEqual(6);
    }
  });

  it("does nothing more once it is disposed", async () => {
    const time = new SimulatedTime(0);
    let ticks = 0;
    const timer = everyAligned(time, 1000, () => void ticks++);
    await time.advance(1500);
    await timer.dispose();
    await time.advance(5000);
    expect(ticks).toBe(1);
  });

  it("does not run twice for one boundary where timers fire a little early", async () => {
    const time = new SimulatedTime(10_250);
    const early = (delayMs: number, task: () => void | Promise<void>) =>
      SimulatedTime.prototype.after.call(time, delayMs - 1, task);
    time.after = early;
    const at: number[] = [];
    everyAligned(time, 1000, () => void at.push(time.now()));
    await time.advance(4000);
    expect(at).toEqual([10_999, 11_999, 12_999, 13_999]);
  });

  it("runs at most once a boundary on the real clock", async () => {
    const time = new RealTime();
    const fromMs = time.now();
    let runs = 0;
    const timer = everyAligned(time, 50, () => void runs++);
    await until("some runs", 10_000, () => runs > 5, 20);
    await timer.dispose();
    expect(runs).toBeLessThanOrEqual(Math.ceil((time.now() - fromMs) / 50) + 1);
  });
});

describe("SimulatedTime", () => {
  it("runs what is due in order of time, waiting for each", async () => {
    const time = new SimulatedTime(0);
    const order: string[] = [];
    time.after(20, async () => {
      await Promise.resolve();
      order.push("b");
    });
    time.after(10, () => void order.push("a"));
    time.after(20, () => void order.push("c"));
    await time.advance(20);
    expect(order).toEqual(["a", "b", "c"]);
    expect(time.monotonic()).toBe(20);
  });

  it("refuses to move backwards", async () => {
    await expect(new SimulatedTime(0).advance(-1)).rejects.toMatchObject({ code: "clock_advance_invalid" });
  });
});
