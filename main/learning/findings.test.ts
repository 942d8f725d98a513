import type { Documents, Finding, Logger } from "all-use-agent/sdk";
import { TestContext } from "all-use-agent/sdk/testing";
import { describe, expect, it } from "vitest";
import { FindingLog } from "./findings.ts";
import { PanelRecorder } from "./panels.ts";

const silent: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

function finding(id: string, startMs: number, endMs: number | null): Finding {
  return {
    id,
    kind: "anomaly",
    metric: "m",
    labels: {},
    startMs,
    endMs,
    score: 0.99,
    severity: "attention",
    summary: "Unusual.",
    evidence: [],
  };
}

describe("FindingLog", () => {
  it("keeps one entry per finding through its updates", async () => {
    const log = new FindingLog(new TestContext({ id: "test/log", metrics: {} }).documents, silent, () => 100_000);
    log.publish("a", finding("x", 1000, null));
    log.publish("a", finding("x", 1000, 90_000));
    expect(log.current()).toEqual([{ ...finding("x", 1000, 90_000), source: "a" }]);
  });

  it("ends at the next start what was open when the agent died", async () => {
    const collection = new TestContext({ id: "test/log", metrics: {} }).documents.collection("findings", {
      maxDocuments: 9,
      orderBy: "startMs",
    });
    const documents = { collection: () => collection } as unknown as Documents;
    const before = new FindingLog(documents, silent, () => 50_000);
    before.publish("a", finding("x", 40_000, null));
    const after = new FindingLog(documents, silent, () => 60_000);
    await after.load();
    expect(after.current()[0]).toMatchObject({ id: "x", endMs: 50_000 });
  });

  it("forgets the oldest in memory, not on disk", () => {
    const log = new FindingLog(new TestContext({ id: "test/log", metrics: {} }).documents, silent, () => 1_000_000);
    for (let i = 0; i < 600; i++) log.publish("a", finding(`f${i}`, i, null));
    expect(log.current()).toHaveLength(500);
  });
});

describe("PanelRecorder", () => {
  it("records what each panel shows with its panel as a label, and leaves out one that fails", async () => {
    const registered: object[] = [];
    let emitted = 0;
    const warnings: string[] = [];
    const recorder = new PanelRecorder(
      {
        query: (expr) =>
          expr === "bad"
            ? Promise.reject(new Error("cannot"))
            : Promise.resolve([
                { labels: { __name__: "node_load1", device: "sda" }, value: 2, timestampMs: 1 },
                { labels: { device: "sdb" }, value: NaN, timestampMs: 1 },
              ]),
        registerValue: (labels) => registered.push(labels) - 1,
        newestBand: (side) => (side === "low" ? 1 : null),
        emit: (batch) => void (emitted += batch.length),
      },
      { ...silent, warn: (message) => void warnings.push(message) },
    );
    const panel = (id: string, expr: string): Parameters<PanelRecorder["record"]>[0][number] => ({
      id,
      title: id,
      expr,
      unit: "count",
      panel: `collectors/host/${id}`,
    });
    for (let i = 0; i < 3; i++) await recorder.record([panel("load", "node_load1"), panel("broken", "bad")], 5000);
    expect(registered[0]).toEqual({ device: "sda", panel: "collectors/host/load" });
    expect(emitted).toBe(3);
    expect(recorder.latest()).toEqual([
      { panel: "collectors/host/load", labels: registered[0], timestampMs: 5000, value: 2, low: 1, high: null },
    ]);
    expect(warnings).toHaveLength(1);
  });
});
