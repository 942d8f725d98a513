import type { PluginReport } from "all-use-agent/sdk";
import { describe, expect, test } from "vitest";
import { baseOf, countStates, inGroups, instanceIdOf, instanceOf, splitCost, wholeCost } from "./plugin-list.ts";

const plugin = (title: string, cpuMsPerSecond: number, state: PluginReport["state"] = "ok", id = title): PluginReport => ({
  id,
  title,
  kind: "collector",
  version: "1.0.0",
  folder: "",
  origin: "bundled",
  state,
  reason: null,
  code: null,
  sinceMs: 0,
  cost: { cpuMsPerSecond, calls: 0, p50Ms: 0, p99Ms: 0, samplesPerSecond: 0, skipped: 0, errors: 0 },
});

describe("the list of plugins", () => {
  test("has what needs a look first, then most CPU, then names", () => {
    const list = [
      plugin("b", 1),
      plugin("a", 1.001),
      plugin("heavy", 9),
      plugin("broken", 0, "failed"),
      plugin("limping", 5, "degraded"),
    ];
    expect(inGroups(list).map(({ title }) => title)).toEqual(["broken", "limping", "heavy", "a", "b"]);
  });

  test("keeps the instances of a plugin together, the unnamed one first, and weighs them as one", () => {
    const ping = (instance: string, cpu: number, state?: PluginReport["state"]): PluginReport =>
      plugin("Ping", cpu, state, instanceIdOf("collectors/ping", instance));
    const list = [plugin("other", 5), ping("wan", 3), ping("lan", 3), ping("default", 0)];
    expect(inGroups(list).map(({ reports }) => reports.map(({ id }) => id))).toEqual([
      ["collectors/ping", "collectors/ping#lan", "collectors/ping#wan"],
      ["other"],
    ]);
    expect(inGroups([plugin("other", 5), ping("lan", 0), ping("wan", 0, "failed")])[0].id).toBe("collectors/ping");
  });

  test("is counted by what it means to the reader", () => {
    expect(
      countStates([plugin("a", 1), plugin("b", 1, "failed"), plugin("c", 1, "stopped"), plugin("d", 1, "starting")]),
    ).toEqual({ run: 2, look: 1, off: 1 });
  });
});

test("the id of an instance and its parts", () => {
  expect([baseOf("collectors/ping#lan"), instanceOf("collectors/ping#lan")]).toEqual(["collectors/ping", "lan"]);
  expect([baseOf("collectors/ping"), instanceOf("collectors/ping")]).toEqual(["collectors/ping", "default"]);
  expect(instanceIdOf("collectors/ping", "default")).toBe("collectors/ping");
});

describe("what the agent costs", () => {
  const cost = { cpuPercent: 1, residentBytes: 60e6, diskBytes: 0, eventLoopDelayP99Ms: 0 };
  const isolation = { level: "process" as const, pid: 7, residentBytes: 40e6, restarts: 0, denied: 0, limits: [] };

  test("has plugins inside in it and adds those in processes of their own", () => {
    const list = [plugin("inside", 4), { ...plugin("apart", 3), isolation }];
    expect(splitCost(cost, list)).toEqual({
      restMsPerSecond: 6,
      togetherMsPerSecond: 13,
      residentBytes: 100e6,
      pluginsBytes: 40e6,
    });
    expect(wholeCost(cost, list)).toMatchObject({ cpuPercent: 1.3, residentBytes: 100e6 });
  });

  test("is never less than the sum of what is listed, although both are means of other times", () => {
    expect(splitCost(cost, [plugin("busy", 30)])).toMatchObject({
      restMsPerSecond: 0,
      togetherMsPerSecond: 30,
      pluginsBytes: null,
    });
  });
});
