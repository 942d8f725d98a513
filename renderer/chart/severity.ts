import type { FindingReport, Severity } from "all-use-agent/sdk";
import type { MarkedSpan } from "./scene.ts";

/** What was found on a panel's recorded series. */
export function findingsOn(findings: readonly FindingReport[], panel: string): readonly FindingReport[] {
  return findings.filter(
    (finding) => finding.metric === "alluse_panel_value" && finding.labels.panel === panel && finding.severity !== "info",
  );
}

/** What being outside the band means on a chart now: critical only when an open finding says so. */
export function severityOf(found: readonly FindingReport[]): Severity {
  return found.some((finding) => finding.endMs === null && finding.severity === "critical") ? "critical" : "attention";
}

/** The stretches of findings, for the bar under the axis; one that goes on ends at `edgeMs`. */
export function marksOf(found: readonly FindingReport[], edgeMs: number): readonly MarkedSpan[] {
  return found.map(({ startMs, endMs, severity }) => ({ fromMs: startMs, toMs: endMs ?? edgeMs, severity }));
}
