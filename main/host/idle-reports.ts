import type { Manifest, PluginReport } from "all-use-agent/sdk";
import type { PluginFolder } from "./discover.ts";

/** Reports of what does not run: folders that never became an instance, and what is switched off or left out. */
export class IdleReports {
  private reports: PluginReport[] = [];
  private readonly now: () => number;

  constructor(now: () => number) {
    this.now = now;
  }

  get all(): readonly PluginReport[] {
    return this.reports;
  }

  /** `manifest` is null where it cannot be read: then its folder's name stands for it. */
  add(
    place: PluginFolder,
    manifest: Manifest | null,
    key: string,
    state: PluginReport["state"],
    reason: string,
    code: string | null,
  ): void {
    this.reports.push({
      id: key,
      title: manifest?.title ?? place.name,
      kind: manifest?.kind ?? null,
      version: manifest?.version ?? null,
      folder: place.folder,
      origin: place.origin,
      state,
      reason,
      code,
      sinceMs: this.now(),
      cost: { cpuMsPerSecond: 0, calls: 0, p50Ms: 0, p99Ms: 0, samplesPerSecond: 0, skipped: 0, errors: 0 },
    });
  }

  forget(which: (report: PluginReport) => boolean): void {
    this.reports = this.reports.filter((report) => !which(report));
  }
}
