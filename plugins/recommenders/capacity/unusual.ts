import type { AdviceView, Finding, Recommendation } from "all-use-agent/sdk";
import { aboutCpu } from "./cpu.ts";

const RANK = { critical: 2, attention: 1, info: 0 } as const;

function covered(finding: Finding, given: readonly Recommendation[]): boolean {
  if (aboutCpu(finding)) return true;
  const panel = finding.labels["panel"] ?? "";
  if (panel.endsWith("/load") || panel.endsWith("/pressure")) return given.some((one) => one.key === "cpu:utilisation");
  if (panel.endsWith("/memory")) return given.some((one) => one.key === "memory:available");
  if (panel.endsWith("/disk-space")) return given.some((one) => one.key === `disk:${finding.labels["mountpoint"] ?? ""}:space`);
  return false;
}

/** One modest proposal about the most urgent open finding that nothing else speaks of. */
export function lookAt(view: AdviceView, given: readonly Recommendation[]): Recommendation[] {
  const open = view.findings.filter(
    (finding) => finding.kind === "anomaly" && finding.endMs === null && RANK[finding.severity] > 0 && !covered(finding, given),
  );
  open.sort((a, b) => RANK[b.severity] - RANK[a.severity] || a.startMs - b.startMs);
  const [finding] = open;
  if (!finding) return [];
  const { panel, ...labels } = finding.labels;
  const subject = [panel?.split("/").at(-1)?.replace("-", " ") ?? finding.metric, ...Object.values(labels)].join(" ");
  return [
    {
      key: `unusual:${panel ?? finding.metric}:${Object.values(labels).join(":")}`,
      severity: "attention",
      title: finding.summary.replace(/\.$/, ""),
      reason: "It is outside of what was learnt as usual, and nothing else explains it yet.",
      action: { kind: "look_at_panel", text: `Look at ${subject}: what began when this did?` },
      confidence: Math.min(0.6, 0.6 * finding.score),
      evidence: finding.evidence,
      expiresMs: view.nowMs + 30_000,
    },
  ];
}
