import { expect, it } from "vitest";
import { dueAt } from "./due.ts";
import { scheduleOf } from "./schedule.ts";

const at = (text: string): number => Date.parse(text);
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

function next(schedule: string, zone: string, from: string, count: number): string[] {
  const plan = scheduleOf({ schedule, zone });
  const found: string[] = [];
  for (let ms: number | null = at(from); found.length < count;) {
    ms = plan.after(ms);
    if (ms === null) break;
    found.push(new Date(ms).toISOString().slice(0, 16));
  }
  return found;
}

it("runs a daily job once on the day that has no such time: right after the jump", () => {
  expect(next("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", 2)).toEqual(["2026-03-29T01:00", "2026-03-30T00:30"]);
  expect(next("30 1,2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", 3)).toEqual([
    "2026-03-29T00:30",
    "2026-03-29T01:00",
    "2026-03-29T23:30",
  ]);
  expect(next("30 2 * * *", "America/New_York", "2026-03-07T12:00:00Z", 2)).toEqual(["2026-03-08T07:00", "2026-03-09T06:30"]);
});

it("runs a daily job once on the day that has such a time twice: at the first", () => {
  expect(next("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", 2)).toEqual(["2026-10-25T00:30", "2026-10-26T01:30"]);
});

it("goes on every half hour through both changes", () => {
  expect(next("*/30 * * * *", "Europe/Berlin", "2026-03-29T00:00:00Z", 4)).toEqual([
    "2026-03-29T00:30",
    "2026-03-29T01:00",
    "2026-03-29T01:30",
    "2026-03-29T02:00",
  ]);
  expect(next("@hourly", "Europe/Berlin", "2026-10-24T23:30:00Z", 3)).toEqual([
    "2026-10-25T00:00",
    "2026-10-25T01:00",
    "2026-10-25T02:00",
  ]);
});

it("knows leap days, the last day of a month and seconds", () => {
  expect(next("0 0 29 2 *", "UTC", "2026-01-01T00:00:00Z", 2)).toEqual(["2028-02-29T00:00", "2032-02-29T00:00"]);
  expect(next("0 12 L * *", "UTC", "2028-02-01T00:00:00Z", 2)).toEqual(["2028-02-29T12:00", "2028-03-31T12:00"]);
  expect(scheduleOf({ schedule: "*/20 * * * * *", zone: "UTC" }).after(at("2026-01-01T00:00:05Z"))).toBe(
    at("2026-01-01T00:00:20Z"),
  );
  expect(scheduleOf({ every: 300_000 }).after(at("2026-01-01T00:00:05Z"))).toBe(at("2026-01-01T00:05:00Z"));
  expect(next("0 0 30 2 *", "UTC", "2026-01-01T00:00:00Z", 1)).toEqual([]);
});

it.each([
  { schedule: "61 * * * *" },
  { schedule: "* * *" },
  { schedule: "" },
  { every: 10 },
  {},
  { schedule: "@daily", every: 5000 },
])("refuses %j", (config) => {
  expect(() => scheduleOf(config)).toThrow(expect.objectContaining({ code: "batch_config_invalid" }) as Error);
});

it("refuses a zone that there is not", () => {
  expect(() => scheduleOf({ schedule: "@daily", zone: "Mars/Base" })).toThrow(/Mars/);
});

const hourly = scheduleOf({ schedule: "@hourly", zone: "UTC" });
const noon = at("2026-01-05T12:00:00Z");

it("names an instant once, whatever the clock does within a day", () => {
  expect(dueAt(hourly, noon, noon + HOUR, "all").instants).toEqual([noon + HOUR]);
  const { servedMs } = dueAt(hourly, noon, noon + HOUR, "all");
  for (const back of [1, 60_000, HOUR, 5 * HOUR]) expect(dueAt(hourly, servedMs, servedMs - back, "all").instants).toEqual([]);
  expect(dueAt(hourly, servedMs, servedMs + HOUR, "all").instants).toEqual([noon + 2 * HOUR]);
});

it("begins anew when the clock had been days ahead", () => {
  expect(dueAt(hourly, noon + 400 * DAY, noon, "one")).toEqual({ instants: [], missed: 0, servedMs: noon });
});

it("makes one run, all runs or none of what was slept through", () => {
  const late = noon + 5 * HOUR + 1_800_000;
  expect(dueAt(hourly, noon, late, "one")).toEqual({ instants: [noon + 5 * HOUR], missed: 4, servedMs: noon + 5 * HOUR });
  expect(dueAt(hourly, noon, late, "all").instants).toHaveLength(5);
  expect(dueAt(hourly, noon, late, "none")).toEqual({ instants: [], missed: 5, servedMs: noon + 5 * HOUR });
  expect(dueAt(hourly, noon, noon + HOUR + 30_000, "none").instants).toEqual([noon + HOUR]);
});

it("is bounded after years, and still ends at the newest instant", () => {
  const minutely = scheduleOf({ schedule: "* * * * *", zone: "UTC" });
  for (const days of [3, 365, 3650]) {
    const due = dueAt(minutely, noon, noon + days * DAY, "all");
    expect(due.instants.length).toBeLessThanOrEqual(500);
    expect(due.servedMs).toBe(noon + days * DAY);
    expect(due.instants.length + due.missed).toBeGreaterThan(days * 1440 * 0.99);
    expect(due.instants.length + due.missed).toBeLessThan(days * 1440 * 1.01);
  }
});
