import { expect, it } from "vitest";
import { metricLookup } from "./context.ts";
import { checkManifest } from "./manifest.ts";

const manifest = checkManifest(
  {
    id: "collectors/demo",
    version: "1.0.0",
    api: 1,
    kind: "collector",
    entry: "index.mjs",
    title: "Demo",
    stability: "beta",
    metrics: { "*": { type: "gauge", help: "Whatever comes." }, own_total: { type: "counter", help: "Its own." } },
  },
  "plugin.json",
);
const metricOf = metricLookup(manifest);
const SUMMARY = { type: "summary", unit: "seconds", help: "How long it took." } as const;

it("lets a plugin say what a metric is where its manifest leaves the name open", () => {
  expect(metricOf("rpc_seconds", SUMMARY)).toEqual(SUMMARY);
  expect(metricOf("rpc_seconds")).toEqual({ type: "gauge", help: "Whatever comes." });
  expect(metricOf("own_total", SUMMARY)).toEqual({ type: "counter", help: "Its own." });
});

it("refuses names and types that there are not", () => {
  expect(() => metricOf("http.status")).toThrow(/no metric name/);
  expect(() => metricOf("a".repeat(513))).toThrow(/at most 512/);
  expect(() => metricOf("up", { ...SUMMARY, type: "info" as never })).toThrow(/type that there is not; use gauge, counter/);
});
