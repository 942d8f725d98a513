/** Who keeps the machine busy, and what happened around it at high resolution, as the built agent tells it. */
import { spawn } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type RunningAgent, startAgent, temporaryFolder } from "../support/agent.ts";
import { quantile, recordFigure } from "../support/figures.ts";
import { isLinux, NOT_LINUX } from "../support/machine.ts";
import { until } from "../support/wait.ts";

interface Recording {
  readonly state: string;
  readonly startedMs: number;
  readonly fromMs: number;
  readonly toMs: number;
  readonly readings: number;
  readonly reasons: readonly { kind: string; text: string }[];
  readonly processes: readonly {
    atMs: number;
    processes: readonly { program: string; pid: number; values: Record<string, number> }[];
  }[];
}

let dataDir: string;
let agent: RunningAgent;

describe("a busy loop", () => {
  beforeEach(({ skip }) => skip(!isLinux, NOT_LINUX));
  beforeAll(async () => {
    dataDir = temporaryFolder();
    mkdirSync(dataDir, { recursive: true });
    const recorder = {
      after: "7 s",
      thresholds: [{ quantity: "cpu_busy_ratio", above: 0.3, for_ms: "1 s" }],
    };
    writeFileSync(
      join(dataDir, "config.json"),
      JSON.stringify({
        plugins: {
          "collectors/flight-recorder": {
            config: { interval_ms: 200, after_ms: recorder.after, thresholds: recorder.thresholds },
          },
        },
      }),
    );
    agent = await startAgent({ dataDir });
    await until("a first look at all processes", 10_000, async () => (await agent.query("node_processes_pids")).length > 0);
  });
  afterAll(async () => {
    await agent.stop();
    rmSync(dataDir, { recursive: true, force: true });
  });

  test("ends in a recording whose samples can be queried at the interval at which they were read", async () => {
    const loop = spawn("bash", ["-c", "while :; do :; done"], { stdio: "ignore" });
    try {
      const slot = await until("the loop in a slot", 20_000, async () => {
        const rows = await agent.query(`alluse_top_pid{ranking="cpu"} == ${loop.pid!}`);
        return rows[0]?.metric["slot"];
      });
      const info = await agent.query(`alluse_top_info{ranking="cpu",slot="${slot}"}`);
      expect(info.map((row) => row.metric["program"])).toContain("bash");
      await until("CPU time of its program", 10_000, async () => {
        const [row] = await agent.query('alluse_program_cpu_seconds_total{program="bash"}');
        return Number(row?.value?.[1]) > 0.5;
      });

      const recording = await until("a recording that is over", 20_000, async () => {
        const { recordings } = await agent.json<{ recordings: Recording[] }>("/api/agent/recorder");
        return recordings.find((one) => one.state === "ended");
      });
      expect(recording.reasons[0]).toMatchObject({ kind: "threshold", text: "cpu_busy_ratio above 0.3 for 1 s" });
      const rangeS = Math.ceil((recording.toMs - recording.fromMs) / 1000) + 1;
      const [row] = await agent.query(`alluse_recorder_cpu_busy_ratio[${rangeS}s]`, recording.toMs);
      const times = row.values!.map(([seconds]) => Math.round(seconds * 1000));
      expect(times.length).toBeGreaterThan(10);
      expect(times[0]).toBeGreaterThanOrEqual(recording.fromMs);
      const gaps = times.slice(1).map((time, i) => time - times[i]);
      expect(gaps.every((gap) => gap > 0)).toBe(true);
      // A machine that is held up leaves readings out; that there are any so close proves the resolution.
      expect(gaps.filter((gap) => gap >= 150 && gap <= 250).length).toBeGreaterThan(3);
      recordFigure("flight recorder, interval of readings", quantile(gaps, 0.5), "ms");
      expect(recording.processes.length).toBe(3);
    } finally {
      loop.kill("SIGKILL");
    }
  });

  test("is found afterwards by the time at which it ran", async () => {
    const nowMs = Date.now();
    const loop = spawn("bash", ["-c", "while :; do :; done"], { stdio: "ignore" });
    try {
      const occupant = await until("the loop among those written down", 30_000, async () => {
        const { before } = await agent.json<{ before: { pid: number; command: string; toMs: number | null }[] }>(
          `/api/agent/processes?from=${nowMs}`,
        );
        return before.find((one) => one.pid === loop.pid);
      });
      expect(occupant.command).toBe("bash");
    } finally {
      loop.kill("SIGKILL");
    }
    await until("its end", 20_000, async () => {
      const { before } = await agent.json<{ before: { pid: number; toMs: number | null }[] }>(
        `/api/agent/processes?from=${nowMs}`,
      );
      const one = before.find(({ pid }) => pid === loop.pid);
      return one?.toMs != null && one.toMs >= nowMs;
    });
  });

  test("can be recorded on demand", async () => {
    const answer = await agent.fetch("/api/agent/recorder", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ reason: "a look" }),
    });
    expect([200, 201]).toContain(answer.status);
    const { recording } = (await answer.json()) as { recording: Recording };
    expect(recording.reasons.at(-1)).toMatchObject({ kind: "request", text: "a look" });
  });

  test("costs little to watch", async () => {
    for (const id of ["collectors/flight-recorder", "collectors/processes"]) {
      const report = (await agent.plugins()).find((one) => one.id === id)!;
      expect(report.state).toBe("ok");
      recordFigure(`${id}, CPU`, report.cost.cpuMsPerSecond / 10, "% of a core");
    }
  });
});
