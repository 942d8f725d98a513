import {
  type DocumentCollection,
  type Documents,
  errorText,
  type Finding,
  type FindingReport,
  type Logger,
} from "all-use-agent/sdk";

/** What recommenders and the page look at without asking the document store. */
const RECENT_MAX = 500;
const KEPT_MAX = 10_000;
/** An open finding is written down at most this often. */
const REWRITE_MS = 10_000;

type FindingDocument = FindingReport & { _id: string; keptMs: number };

/** All findings: the recent ones in memory, the rest as documents. */
export class FindingLog {
  private readonly recent = new Map<string, FindingReport>();
  private readonly keptMs = new Map<string, number>();
  private readonly collection: DocumentCollection<FindingDocument>;
  private readonly log: Logger;
  private readonly now: () => number;

  constructor(documents: Documents, log: Logger, now: () => number) {
    this.collection = documents.collection<FindingDocument>("findings", { maxDocuments: KEPT_MAX, orderBy: "startMs" });
    this.log = log;
    this.now = now;
  }

  /** Loads what an earlier run left; findings that were open then ended with that run. What was published since stays. */
  async load(): Promise<void> {
    for (const { keptMs, _id, ...finding } of await this.collection.find({ sort: { startMs: -1 }, limit: RECENT_MAX })) {
      if (this.recent.has(_id)) continue;
      const ended = finding.endMs === null ? { ...finding, endMs: keptMs } : finding;
      this.recent.set(_id, ended);
      if (finding.endMs === null) this.keep(ended);
    }
  }

  /** Takes a new finding or a newer state of one. Returns it as it is reported. */
  publish(source: string, finding: Finding): FindingReport {
    const report: FindingReport = { ...finding, source };
    const before = this.recent.get(finding.id);
    this.recent.delete(finding.id);
    this.recent.set(finding.id, report);
    if (this.recent.size > RECENT_MAX) {
      const oldest = this.recent.keys().next().value as string;
      this.recent.delete(oldest);
      this.keptMs.delete(oldest);
    }
    const due = this.now() - (this.keptMs.get(finding.id) ?? 0) >= REWRITE_MS;
    if (!before || finding.endMs !== null || due) this.keep(report);
    return report;
  }

  /** Open, or ended within the last hour; newest first. */
  current(): FindingReport[] {
    const oldestMs = this.now() - 3_600_000;
    return [...this.recent.values()]
      .filter(({ endMs }) => endMs === null || endMs >= oldestMs)
      .sort((a, b) => b.startMs - a.startMs);
  }

  /** Findings that touch the range, newest first. */
  async between(fromMs: number, toMs: number, limit: number): Promise<FindingReport[]> {
    const touches = (finding: FindingReport): boolean =>
      finding.startMs <= toMs && (finding.endMs === null || finding.endMs >= fromMs);
    const found = new Map<string, FindingReport>();
    const documents = await this.collection.find({
      filter: { startMs: { $lte: toMs }, $or: [{ endMs: null }, { endMs: { $gte: fromMs } }] },
      sort: { startMs: -1 },
      limit,
    });
    for (const { keptMs: _keptMs, _id, ...finding } of documents) found.set(_id, finding);
    for (const finding of this.recent.values()) {
      if (touches(finding)) found.set(finding.id, finding);
      else found.delete(finding.id);
    }
    return [...found.values()].sort((a, b) => b.startMs - a.startMs).slice(0, limit);
  }

  private keep(report: FindingReport): void {
    const keptMs = this.now();
    this.keptMs.set(report.id, keptMs);
    this.collection
      .put({ ...report, _id: report.id, keptMs })
      .catch((error: unknown) => this.log.warn(`a finding could not be kept: ${errorText(error)}`));
  }
}
