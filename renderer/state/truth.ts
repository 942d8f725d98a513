import type { AgentStatus, FindingReport, PluginReport, RecommendationReport } from "all-use-agent/sdk";
import { formatClock, formatClockSeconds, formatDuration, formatNumber, formatQuantity } from "../format.ts";
import { words } from "../words.ts";
import type { Connection } from "./stream.ts";

export interface Known {
  readonly connection: Connection;
  readonly nowMs: number;
  readonly status: AgentStatus | null;
  readonly cost: AgentStatus["cost"] | null;
  readonly newestSampleMs: number | null;
  readonly stale: boolean;
  readonly recommendations: readonly RecommendationReport[];
  readonly findings: readonly FindingReport[];
  readonly plugins: readonly PluginReport[];
}

export interface Truth {
  readonly sentence: string;
  /** In order; `tone` marks what needs the eye. */
  readonly facts: readonly { readonly text: string; readonly tone?: "attention"; readonly place?: string }[];
}

/** Advice that holds now, remarks included. */
export function openAdvice(recommendations: readonly RecommendationReport[]): readonly RecommendationReport[] {
  return recommendations.filter((one) => one.status === "open");
}

/** What needs the operator: open advice that is more than a remark. */
function needsYou(recommendations: readonly RecommendationReport[]): readonly RecommendationReport[] {
  return openAdvice(recommendations).filter((one) => one.severity !== "info");
}

/** The page's first line. What makes everything below doubtful comes first, then what has to be done, then calm. */
export function tellTruth(known: Known): Truth {
  const { connection, nowMs, status, newestSampleMs, stale } = known;
  const facts: { text: string; tone?: "attention"; place?: string }[] = [];
  if (status) facts.push({ text: status.host });

  if (connection === "lost") {
    facts.push({ text: words.truth.lostWhy, tone: "attention" });
    return { sentence: newestSampleMs === null ? words.truth.lost : words.truth.lostSince(formatClock(newestSampleMs)), facts };
  }
  if (!status) return { sentence: words.truth.connecting, facts };

  const failed = known.plugins.filter((plugin) => plugin.state === "failed").length;
  for (const problem of status.problems) facts.push({ text: problem, tone: "attention" });
  if (newestSampleMs !== null && stale)
    facts.push({ text: words.truth.staleWhy(formatClockSeconds(newestSampleMs)), tone: "attention" });
  if (newestSampleMs !== null && !stale)
    facts.push({ text: words.truth.newest(formatDuration(Math.max(0, nowMs - newestSampleMs))) });
  if (failed > 0) facts.push({ text: words.truth.plugins(failed).replace(/\.$/, ""), tone: "attention", place: "plugins" });
  facts.push({ text: costText(known.cost ?? status.cost) });
  return { sentence: sentenceOf(known, status, failed), facts };
}

function sentenceOf(known: Known, status: AgentStatus, failed: number): string {
  const { newestSampleMs, nowMs, stale } = known;
  if (newestSampleMs === null) return words.truth.noData;
  if (stale) return words.truth.stale(formatDuration(nowMs - newestSampleMs), formatClock(newestSampleMs));
  const things = needsYou(known.recommendations).length;
  if (things > 0) return words.truth.things(things);
  if (status.problems.length > 0) return words.truth.problems(status.problems.length);
  if (failed > 0) return words.truth.plugins(failed);
  const unusual = known.findings.filter((finding) => finding.endMs === null && finding.severity !== "info").length;
  return unusual > 0 ? words.truth.unusual(unusual) : words.truth.calm;
}

function costText(cost: AgentStatus["cost"]): string {
  const cpu = `${formatNumber(cost.cpuPercent, cost.cpuPercent < 10 ? 1 : 0)}\u00a0%`;
  return words.truth.cost(cpu, formatQuantity(cost.residentBytes, "bytes"), formatQuantity(cost.diskBytes, "bytes"));
}
