import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type RunningAgent, startAgent } from "../support/agent.ts";
import { recordFigure } from "../support/figures.ts";
import { isLinux, NOT_LINUX } from "../support/machine.ts";
import {
  readCpuSeconds,
  readFilesystemAvailBytes,
  readLoad1,
  readMemoryAvailableBytes,
  readNetworkReceiveBytes,
} from "../support/proc.ts";
import { until } from "../support/wait.ts";

const PROMISED = [
  "node_cpu_seconds_total",
  "node_memory_MemAvailable_bytes",
  "node_load1",
  "node_filesystem_avail_bytes",
  "node_network_receive_bytes_total",
];

function readMachine() {
  return {
    timeMs: Date.now(),
    idleSeconds: readCpuSeconds(0, "idle"),
    userSeconds: readCpuSeconds(0, "user"),
    memoryBytes: readMemoryAvailableBytes(),
    load1: readLoad1(),
    rootBytes: readFilesystemAvailBytes("/"),
    received: readNetworkReceiveBytes(),
  };
}

describe("the first samples of a real agent", () => {
  let agent: RunningAgent;
  let readyAtMs: number;

  beforeEach(({ skip }) => skip(!isLinux, NOT_LINUX));
  beforeAll(async () => {
    agent = await startAgent();
    readyAtMs = performance.now();
  });
  afterAll(() => agent[Symbol.asyncDispose]());

  test("each promised metric soon answers a query", async () => {
    for (const metric of PROMISED) await until(metric, 10_000, async () => (await agent.query(metric)).length > 0, 50);
    recordFigure("ready, from the start of the process", agent.readyMs, "ms");
    // The promise is 5 s.
    recordFigure("first answers, from ready", performance.now() - readyAtMs, "ms");
  });

  test("values agree with /proc at the time of the sample", async () => {
    // The sample is taken between two readings of ours: a counter lies between the two, a gauge near them.
    const before = readMachine();
    const timestampMs = await until("a sample after the reading", 10_000, async () => {
      const ms = Number((await agent.query("timestamp(node_load1)"))[0]?.value?.[1]) * 1000;
      return ms > before.timeMs ? ms : null;
    });
    const after = readMachine();
    const value = async (expr: string): Promise<number> => {
      const rows = await agent.query(expr, timestampMs);
      expect(rows, expr).toHaveLength(1);
      return Number(rows[0].value![1]);
    };

    const idle = await value(`node_cpu_seconds_total{cpu="0",mode="idle"}`);
    expect(idle).toBeGreaterThanOrEqual(before.idleSeconds);
    expect(idle).toBeLessThanOrEqual(after.idleSeconds);
    const user = await value(`node_cpu_seconds_total{cpu="0",mode="user"}`);
    expect(user).toBeGreaterThanOrEqual(before.userSeconds);
    expect(user).toBeLessThanOrEqual(after.userSeconds);

    const loads = [before.load1, after.load1];
    const load1 = await value("node_load1");
    expect(load1).toBeGreaterThanOrEqual(Math.min(...loads) - 0.2);
    expect(load1).toBeLessThanOrEqual(Math.max(...loads) + 0.2);

    const near = 256 * 2 ** 20;
    const memoryBytes = await value("node_memory_MemAvailable_bytes");
    expect(memoryBytes).toBeGreaterThan(Math.min(before.memoryBytes, after.memoryBytes) - near);
    expect(memoryBytes).toBeLessThan(Math.max(before.memoryBytes, after.memoryBytes) + near);
    const rootBytes = await value(`node_filesystem_avail_bytes{mountpoint="/"}`);
    expect(rootBytes).toBeGreaterThan(Math.min(before.rootBytes, after.rootBytes) - near);
    expect(rootBytes).toBeLessThan(Math.max(before.rootBytes, after.rootBytes) + near);

    let compared = 0;
    for (const row of await agent.query("node_network_receive_bytes_total", timestampMs)) {
      const device = row.metric["device"] ?? "";
      // A container's device may come or go at any time.
      if (!before.received.has(device) || !after.received.has(device)) continue;
      const bytes = Number(row.value![1]);
      expect(bytes, device).toBeGreaterThanOrEqual(before.received.get(device) ?? Number.NaN);
      expect(bytes, device).toBeLessThanOrEqual(after.received.get(device) ?? Number.NaN);
      compared++;
    }
    expect(compared).toBeGreaterThan(0);
  });

  test("a new sample arrives every second", async () => {
    // Seven in a row: a machine that is held up leaves seconds out, an agent with another rhythm never has them.
    const seconds = await until("seven seconds in a row with one sample each", 30_000, async () => {
      const [row] = await agent.query("node_load1[1m]");
      const found = (row?.values ?? []).map(([time]) => Math.round(time));
      const newest = found.slice(-7);
      return newest.length === 7 && newest[6] - newest[0] === 6 ? newest : null;
    });
    expect(new Set(seconds).size).toBe(7);
  });

  test("SIGTERM ends it with status 0", async () => {
    expect(await agent.stop()).toBe(0);
  });
});
