import type { FindingReport, RecommendationReport, Severity } from "all-use-agent/sdk";

/** Pure merging of what the stream sends into what was fetched. */

const URGENCY: Readonly<Record<Severity, number>> = { critical: 0, attention: 1, info: 2 };

/** How many findings a page keeps: a bad day has hundreds, more cannot be told apart on a strip. */
export const FINDINGS_LIMIT = 500;

/** The list with `one` in the place of its earlier version, or in front; newest first. */
export function withFinding(list: readonly FindingReport[], one: FindingReport): readonly FindingReport[] {
  const at = list.findIndex((finding) => finding.id === one.id);
  if (at >= 0) return list.map((finding, i) => (i === at ? one : finding));
  return [one, ...list].toSorted((a, b) => b.startMs - a.startMs).slice(0, FINDINGS_LIMIT);
}

/** Open ones first, then by urgency, then the newest: the door's own order, kept while the stream changes the list. */
function byUrgency(a: RecommendationReport, b: RecommendationReport): number {
  const open = Number(b.status === "open") - Number(a.status === "open");
  if (open) return open;
  if (a.status !== "open") return b.updatedMs - a.updatedMs;
  return URGENCY[a.severity] - URGENCY[b.severity] || b.confidence - a.confidence || b.createdMs - a.createdMs;
}

export function withRecommendation(
  list: readonly RecommendationReport[],
  one: RecommendationReport,
): readonly RecommendationReport[] {
  return [...list.filter((other) => other.id !== one.id), one].toSorted(byUrgency);
}
