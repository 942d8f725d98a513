import type { AdviceView, Finding, Recommendation } from "all-use-agent/sdk";
import type { Culprits } from "./culprits.ts";
import { figures } from "./words.ts";

const SPAN_S = 30;
const UTILISATION = `100 * (1 - avg(rate(node_cpu_seconds_total{mode="idle"}[${SPAN_S}s])))`;
const RECENT = `100 * (1 - avg(rate(node_cpu_seconds_total{mode="idle"}[5s])))`;
/** Saturation ends this many percent below where it began. */
const HYSTERESIS_PERCENT = 15;

/** Whether a finding is an open one about the processors: utilisation or pressure on them, higher than usual. */
export function aboutCpu(finding: Finding): boolean {
  if (finding.endMs !== null) return false;
  const panel = finding.labels["panel"] ?? "";
  return panel.endsWith("/cpu") || (panel.endsWith("/pressure") && finding.labels["resource"] === "cpu");
}

/** Utilisation is within what is usual again; the finding about it just has not ended yet. */
function isBack(finding: Finding, nowPercent: number | undefined): boolean {
  const high = finding.evidence[0]?.numbers["usual_high_percent"];
  return (finding.labels["panel"] ?? "").endsWith("/cpu") && high !== undefined && nowPercent !== undefined && nowPercent <= high;
}

/** Processors that are saturated, or busier than they use to be: says who keeps them busy. */
export class Cpu {
  private readonly busyPercent: number;
  private readonly culprits: Culprits;
  private saturated = false;

  constructor(busyPercent: number, culprits: Culprits) {
    this.busyPercent = busyPercent;
    this.culprits = culprits;
  }

  async advise(view: AdviceView, signal: AbortSignal): Promise<Recommendation[]> {
    const [mean, recent] = (await Promise.all([view.query(UTILISATION), view.query(RECENT)])).map((rows) => rows[0]?.value);
    const finding = view.findings.find((one) => aboutCpu(one) && !isBack(one, recent));
    const limit = this.saturated ? this.busyPercent - HYSTERESIS_PERCENT : this.busyPercent;
    this.saturated = mean !== undefined && mean >= limit;
    if (!this.saturated && !finding) return [];
    // The longer mean makes a calmer title; while an unusual load has just begun it lags behind.
    const now = this.saturated ? mean : (recent ?? mean);
    const busy = await this.culprits.busy(view.nowMs, signal);
    const usual = finding ? ` ${finding.summary}` : "";
    const used = now === undefined ? "busier than usual" : `at ${Math.round(now)} %`;
    return [
      {
        key: "cpu:utilisation",
        severity: this.saturated ? "attention" : (finding?.severity ?? "info"),
        title: busy.first ? `The processors are ${used}, mostly because of ${busy.first}` : `The processors are ${used}`,
        reason: `${
          this.saturated && mean !== undefined
            ? `They have been ${figures(mean)} % busy over the last ${SPAN_S} seconds.`
            : "They are busier than they usually are."
        }${usual}${busy.text}`,
        action: {
          kind: "look_at_process",
          text: busy.first
            ? `Look at ${busy.first}: stop it or lower its priority if it is not meant to run.`
            : "Look for the process that keeps the processors busy.",
        },
        // Being busy is certain; that something should be done about it is not.
        confidence: this.saturated && finding ? 0.9 : this.saturated ? 0.75 : 0.7,
        evidence: [
          {
            expr: UTILISATION,
            fromMs: view.nowMs - 300_000,
            toMs: view.nowMs,
            method: `mean over ${SPAN_S} s`,
            numbers: {
              ...(mean !== undefined && { mean_percent: mean }),
              ...(recent !== undefined && { newest_percent: recent }),
              limit_percent: this.busyPercent,
            },
          },
          ...busy.evidence,
          ...(finding?.evidence ?? []),
        ],
        expiresMs: view.nowMs + 30_000,
      },
    ];
  }
}
