import { createHash } from "node:crypto";
import {
  AgentError,
  type AdviceView,
  type DocumentCollection,
  type Documents,
  errorText,
  type Logger,
  type Recommendation,
  type RecommendationReport,
  type RecommendationStatus,
} from "all-use-agent/sdk";

const KEPT_MAX = 2000;
const SHOWN_MAX = 100;
const REASON_MAX_CHARACTERS = 500;
/** How long a dismissed matter stays quiet after it was last advised; a worse severity speaks up again at once. */
const QUIET_AFTER_DISMISS_MS = 24 * 3_600_000;

const SEVERITY_RANK = { info: 0, attention: 1, critical: 2 } as const;

export interface Advisor {
  readonly id: string;
  advise(view: AdviceView): Promise<Recommendation[]>;
}

type RecommendationDocument = RecommendationReport & { _id: string };

/**
 * Where recommendations are settled: one open a key. Of several for one key the more severe wins, then the surer, then
 * the one with more evidence, then the recommender's name, so that the same input always gives the same outcome. Every
 * change of status is kept with its reason.
 */
export class RecommendationDesk {
  private readonly byKey = new Map<string, RecommendationReport>();
  private readonly collection: DocumentCollection<RecommendationDocument>;
  private readonly log: Logger;
  private readonly now: () => number;
  private readonly onChange: (report: RecommendationReport) => void;

  constructor(documents: Documents, log: Logger, now: () => number, onChange: (report: RecommendationReport) => void) {
    this.collection = documents.collection<RecommendationDocument>("recommendations", {
      maxDocuments: KEPT_MAX,
      orderBy: "updatedMs",
    });
    this.log = log;
    this.now = now;
    this.onChange = onChange;
  }

  /** Takes up what an earlier run left open or dismissed. What was settled since is newer and stays. */
  async load(): Promise<void> {
    const open = await this.collection.find({ filter: { status: { $in: ["open", "dismissed"] } }, sort: { updatedMs: 1 } });
    const settled = new Set(this.byKey.keys());
    for (const { _id, ...report } of open) if (!settled.has(report.key)) this.byKey.set(report.key, report);
  }

  /** Asks all advisors, settles what they say, and lets go what none says any more. */
  async sit(advisors: readonly Advisor[], view: AdviceView): Promise<void> {
    const proposals = new Map<string, { source: string; given: Recommendation }[]>();
    for (const advisor of advisors) {
      try {
        for (const given of await advisor.advise(view)) {
          const rivals = proposals.get(given.key) ?? [];
          rivals.push({ source: advisor.id, given });
          proposals.set(given.key, rivals);
        }
      } catch (error) {
        this.log.warn(`${advisor.id} gave no advice: ${errorText(error)}`);
      }
    }
    for (const rivals of proposals.values()) this.settle(rivals.sort(compareRivals));
    for (const report of this.byKey.values()) if (!proposals.has(report.key)) this.expire(report);
  }

  /** Open ones first, most urgent first, then the rest, newest first. */
  async list(): Promise<RecommendationReport[]> {
    const reports = new Map<string, RecommendationReport>();
    for (const { _id, ...report } of await this.collection.find({ sort: { updatedMs: -1 }, limit: SHOWN_MAX }))
      reports.set(_id, report);
    for (const report of this.byKey.values()) reports.set(report.id, report);
    return [...reports.values()].sort(compareReports);
  }

  /** The operator does not want it. Throws `recommendation_unknown`, `recommendation_closed`, `reason_invalid`. */
  dismiss(id: string, reason: string): RecommendationReport {
    const report = [...this.byKey.values()].find((candidate) => candidate.id === id);
    if (!report) throw new AgentError("recommendation_unknown", `no recommendation has the id ${id}`, { where: id });
    if (report.status !== "open")
      throw new AgentError("recommendation_closed", `this recommendation is already ${report.status}`, { where: id });
    const text = reason.trim();
    if (text.length === 0 || text.length > REASON_MAX_CHARACTERS) {
      throw new AgentError("reason_invalid", `a dismissal needs a reason of 1 to ${REASON_MAX_CHARACTERS} characters`, {
        where: "/reason",
      });
    }
    return this.change(report, "dismissed", `dismissed by the operator: ${text}`);
  }

  private settle(rivals: readonly { source: string; given: Recommendation }[]): void {
    const [{ source, given }, ...others] = rivals;
    const nowMs = this.now();
    const lost = others.filter((other) => other.given.action.kind !== given.action.kind);
    const decision =
      lost.length === 0 ? `advised by ${source}` : `advised by ${source}, ahead of ${lost.map(describeRival).join(", ")}`;
    const known = this.byKey.get(given.key);
    const same = known?.action.kind === given.action.kind;
    if (known && same && known.status === "dismissed" && SEVERITY_RANK[given.severity] <= SEVERITY_RANK[known.severity]) {
      // Still quiet; remember that it still holds.
      this.byKey.set(given.key, { ...known, expiresMs: Math.max(known.expiresMs, given.expiresMs) });
      return;
    }
    if (known && same && known.status === "open") {
      const report: RecommendationReport = { ...known, ...given, source, decision, updatedMs: nowMs };
      this.byKey.set(given.key, report);
      if (visiblyDiffers(known, report)) this.keep(report);
      return;
    }
    if (known?.status === "open")
      this.change(known, "superseded", `${source} now advises ${given.action.kind} for the same resource`);
    const id = createHash("sha256").update(`${given.key}\n${given.action.kind}\n${nowMs}`).digest("hex").slice(0, 16);
    const report: RecommendationReport = { ...given, id, source, status: "open", createdMs: nowMs, updatedMs: nowMs, decision };
    this.byKey.set(given.key, report);
    this.keep(report);
  }

  private expire(report: RecommendationReport): void {
    const quietMs = report.status === "dismissed" ? QUIET_AFTER_DISMISS_MS : 0;
    if (this.now() < report.expiresMs + quietMs) return;
    this.byKey.delete(report.key);
    if (report.status === "open")
      this.keep({
        ...report,
        status: "expired",
        updatedMs: this.now(),
        decision: "no longer advised: what caused it has passed",
      });
  }

  private change(report: RecommendationReport, status: RecommendationStatus, decision: string): RecommendationReport {
    const changed = { ...report, status, decision, updatedMs: this.now() };
    this.byKey.set(report.key, changed);
    this.keep(changed);
    return changed;
  }

  private keep(report: RecommendationReport): void {
    this.onChange(report);
    this.collection
      .put({ ...report, _id: report.id })
      .catch((error: unknown) => this.log.warn(`a recommendation could not be kept: ${errorText(error)}`));
  }
}

function compareRivals(a: { source: string; given: Recommendation }, b: { source: string; given: Recommendation }): number {
  return (
    SEVERITY_RANK[b.given.severity] - SEVERITY_RANK[a.given.severity] ||
    b.given.confidence - a.given.confidence ||
    b.given.evidence.length - a.given.evidence.length ||
    (a.source < b.source ? -1 : 1)
  );
}

function compareReports(a: RecommendationReport, b: RecommendationReport): number {
  const open = Number(b.status === "open") - Number(a.status === "open");
  if (open !== 0) return open;
  if (a.status !== "open") return b.updatedMs - a.updatedMs;
  return SEVERITY_RANK[b.severity] - SEVERITY_RANK[a.severity] || b.confidence - a.confidence || a.createdMs - b.createdMs;
}

function describeRival({ source, given }: { source: string; given: Recommendation }): string {
  return `${given.action.kind} by ${source} (${given.severity}, ${Math.round(given.confidence * 100)} % sure)`;
}

function visiblyDiffers(before: RecommendationReport, after: RecommendationReport): boolean {
  return (
    before.title !== after.title ||
    before.reason !== after.reason ||
    before.severity !== after.severity ||
    before.action.text !== after.action.text ||
    Math.abs(before.confidence - after.confidence) >= 0.05
  );
}
