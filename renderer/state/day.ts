import type { FindingReport, GapReport, Severity } from "all-use-agent/sdk";

/** One thing that happened in the day. */
export interface Mark {
  readonly id: string;
  readonly lane: "incidents" | "changes" | "gaps";
  readonly fromMs: number;
  /** null while it goes on. */
  readonly toMs: number | null;
  readonly severity: Severity | null;
  readonly finding: FindingReport | null;
  readonly reason: string;
  /** Upper or lower half of the lane where two overlap; null for the whole. */
  readonly half: "upper" | "lower" | null;
}

/** What is drawn of a day: more marks than this cannot be told apart, the newest stay. */
const MARKS_MAX = 200;

/** The day's marks in order of time, those that overlap within a lane put above each other. */
export function dayMarks(
  findings: readonly FindingReport[],
  gaps: readonly GapReport[],
  fromMs: number,
  toMs: number,
  nowMs: number,
): readonly Mark[] {
  const marks: Mark[] = [];
  for (const finding of findings) {
    if (finding.startMs >= toMs || (finding.endMs ?? nowMs) < fromMs) continue;
    const lane = finding.kind === "change" ? "changes" : "incidents";
    // A remark is no incident; among the day's it would only hide them.
    if (lane === "incidents" && finding.severity === "info") continue;
    marks.push({
      id: finding.id,
      lane,
      fromMs: Math.max(fromMs, finding.startMs),
      toMs: finding.endMs,
      severity: finding.severity,
      finding,
      reason: finding.summary,
      half: null,
    });
  }
  for (const gap of gaps) {
    if (gap.fromMs >= toMs || gap.toMs < fromMs) continue;
    marks.push({
      id: `gap ${gap.fromMs}`,
      lane: "gaps",
      fromMs: Math.max(fromMs, gap.fromMs),
      toMs: Math.min(toMs, gap.toMs),
      severity: null,
      finding: null,
      reason: gap.reason,
      half: null,
    });
  }
  marks.sort((a, b) => a.fromMs - b.fromMs);
  return withHalves(marks.slice(-MARKS_MAX), nowMs);
}

/** Two that overlap share the lane's height; of more, the later ones lie on the lower half. */
function withHalves(marks: readonly Mark[], nowMs: number): Mark[] {
  const end = (mark: Mark): number => mark.toMs ?? nowMs;
  return marks.map((mark, i) => {
    if (mark.lane === "gaps") return mark;
    const overlaps = (other: Mark): boolean => other.lane === mark.lane && other.fromMs < end(mark) && mark.fromMs < end(other);
    if (marks.slice(0, i).some(overlaps)) return { ...mark, half: "lower" };
    return marks.slice(i + 1).some(overlaps) ? { ...mark, half: "upper" } : mark;
  });
}
