import { describe, expect, test } from "vitest";
import type { Evidence, PanelReport } from "all-use-agent/sdk";
import { captionOf, evidenceWindow, limitsOf, unitOf } from "./evidence.ts";

const panels = [
  {
    id: "cpu",
    panel: "collectors/host/cpu",
    title: "CPU",
    expr: '100 * (1 - avg(rate(node_cpu_seconds_total{mode="idle"}[5s])))',
    unit: "percent",
    max: 100,
  },
  {
    id: "space",
    panel: "collectors/host/disk-space",
    title: "Disk space",
    expr: "node_filesystem_avail_bytes / node_filesystem_size_bytes",
    unit: "percent",
    legend: "mountpoint",
  },
] as readonly PanelReport[];

const evidence = (expr: string, numbers: Record<string, number> = {}): Evidence => ({
  expr,
  fromMs: 1_000_000,
  toMs: 1_300_000,
  method: "",
  numbers,
});

describe("an evidence chart", () => {
  test("of a panel has its title and unit", () => {
    const expr = 'alluse_panel_value{panel="collectors/host/cpu"}';
    expect(captionOf(expr, panels)).toMatchObject({ title: "CPU" });
    expect(unitOf(evidence(expr), panels)).toBe("percent");
  });

  test("of a bare metric has the metric's name in words, and of what", () => {
    const expr = 'node_filesystem_avail_bytes{device="/dev/vda1",mountpoint="/data"}';
    expect(captionOf(expr, panels)).toMatchObject({ title: "Filesystem avail", sub: "/data" });
    expect(unitOf(evidence(expr), panels)).toBe("bytes");
  });

  test("of a calculation takes its unit from the figures given with it, not from the metric inside", () => {
    const expr = '100 * (1 - avg(rate(node_cpu_seconds_total{mode="idle"}[30s])))';
    expect(captionOf(expr, panels)).toMatchObject({ title: "CPU" });
    expect(unitOf(evidence(expr, { mean_percent: 99, limit_percent: 90 }), panels)).toBe("percent");
    expect(unitOf(evidence(expr), panels)).toBe("");
  });

  test("draws a limit of its own unit and no other figure", () => {
    const limits = limitsOf(evidence("x", { limit_percent: 90, limit_bytes: 5, size_bytes: 7 }), "percent", "attention");
    expect(limits.map((limit) => limit.value)).toEqual([90]);
  });

  test("draws where nothing is left when that is what is coming", () => {
    const limits = limitsOf(evidence("node_filesystem_avail_bytes", { time_to_full_seconds: 600 }), "bytes", "critical");
    expect(limits).toMatchObject([{ value: 0, severity: "critical" }]);
  });

  test("shows what was before, and as far ahead as what is claimed", () => {
    const nowMs = 1_300_000;
    const window = evidenceWindow(evidence("x", { time_to_full_seconds: 300 }), nowMs);
    expect(window.fromMs).toBeLessThan(1_000_000);
    expect(window.toMs).toBeGreaterThanOrEqual(nowMs + 300_000);
    expect(window.toMs - nowMs).toBeLessThanOrEqual(nowMs - window.fromMs);
  });
});
