import { rmSync } from "node:fs";
import type { FindingReport, RecommendationReport } from "all-use-agent/sdk";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type RunningAgent, startAgent, temporaryFolder } from "../support/agent.ts";
import { recordFigure } from "../support/figures.ts";
import { keepBusy, fillSteadily, type Load } from "../support/load.ts";
import { mountTmpfs, NO_MOUNT, unmount } from "../support/machine.ts";
import { sleep, until } from "../support/wait.ts";

/** How long the agent watches a calm machine before anything happens: its learning takes about 90 s. */
const CALM_MS = 100_000;
const DISK_MB = 64;
/** 64 MB are full after 107 s: the agent has to see it coming. */
const FILL_BYTES_PER_SECOND = 600_000;
const WITHIN_MS = 60_000;

let agent: RunningAgent;
let disk: string;
let mounted = false;
let startedMs: number;
const loads: Load[] = [];

beforeAll(async () => {
  disk = temporaryFolder();
  mounted = mountTmpfs(disk, DISK_MB);
  agent = await startAgent();
  await sleep(CALM_MS);

  startedMs = Date.now();
  if (mounted) loads.push(fillSteadily(disk, FILL_BYTES_PER_SECOND));
  loads.push(keepBusy());
}, CALM_MS + 60_000);

afterAll(async () => {
  for (const load of loads) load.stop();
  await agent[Symbol.asyncDispose]();
  if (mounted) unmount(disk);
  rmSync(disk, { recursive: true, force: true });
});

function recommendation(matches: (report: RecommendationReport) => boolean): Promise<RecommendationReport> {
  return until("a recommendation", WITHIN_MS, async () => (await agent.recommendations()).find(matches), 250);
}

/** Each claim can be looked at: its expression has data in its window, and its numbers are numbers. */
async function expectEvidence({ evidence }: RecommendationReport | FindingReport): Promise<void> {
  expect(evidence.length).toBeGreaterThan(0);
  for (const { expr, fromMs, toMs, method, numbers } of evidence) {
    expect(method).not.toBe("");
    for (const [name, value] of Object.entries(numbers)) expect(Number.isFinite(value), `${name} of ${expr}`).toBe(true);
    const series = await agent.queryRange(expr, fromMs, toMs, Math.max(1000, (toMs - fromMs) / 100));
    expect(series.length, expr).toBeGreaterThan(0);
  }
}

describe("a load on the machine", { timeout: WITHIN_MS + 30_000 }, () => {
  test("a busy loop on every core is found as an anomaly", async () => {
    const finding = await until("an anomaly of the CPU", WITHIN_MS, async () => {
      const findings = await agent.findings(startedMs, Date.now());
      return findings.find(({ kind, metric, labels }) => kind === "anomaly" && /cpu/.test(JSON.stringify([metric, labels])));
    });
    recordFigure("busy loop to anomaly", Date.now() - startedMs, "ms");
    expect(finding.startMs).toBeGreaterThan(startedMs - 2000);
    await expectEvidence(finding);
  });

  test("a busy loop leads to a recommendation, with the evidence that caused it", async () => {
    const found = await recommendation(({ key, status }) => key.startsWith("cpu") && status === "open");
    recordFigure("busy loop to recommendation", Date.now() - startedMs, "ms");
    expect(found.action.text).not.toBe("");
    expect(found.confidence).toBeGreaterThan(0);
    expect(found.confidence).toBeLessThanOrEqual(1);
    await expectEvidence(found);
  });

  test("a disk that fills leads to a recommendation, whose numbers are the disk's", async ({ skip }) => {
    skip(!mounted, NO_MOUNT);
    const found = await recommendation(({ key, status }) => key === `disk:${disk}:space` && status === "open");
    recordFigure("filling disk to recommendation", Date.now() - startedMs, "ms");
    await expectEvidence(found);

    // The slope we know: the evidence has to say the same, be it as bytes gone or bytes left.
    const slopes = found.evidence
      .flatMap(({ numbers }) => Object.entries(numbers))
      .filter(([name]) => name.endsWith("bytes_per_second"));
    expect(slopes.length).toBeGreaterThan(0);
    for (const [name, value] of slopes) {
      expect(Math.abs(value), name).toBeGreaterThan(FILL_BYTES_PER_SECOND * 0.5);
      expect(Math.abs(value), name).toBeLessThan(FILL_BYTES_PER_SECOND * 1.5);
    }
  });

  test("a dismissed recommendation is not given again while nothing has changed", async () => {
    const { id, key } = (await agent.recommendations()).find(({ status }) => status === "open")!;
    const response = await agent.fetch(`/api/agent/recommendations/${encodeURIComponent(id)}/dismiss`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ reason: "known" }),
    });
    expect(response.status).toBe(200);
    await sleep(5000);
    const open = (await agent.recommendations()).filter((report) => report.key === key && report.status === "open");
    expect(open).toEqual([]);
  });
});
