import { type Disposable, errorText, type PluginContext } from "all-use-agent/sdk";
import type { JobConfig, ScrapeConfig } from "./config.ts";
import { HttpClient } from "./http-client.ts";
import { relabeler } from "./relabel.ts";
import { ServiceList } from "./service-list.ts";
import { Target } from "./target.ts";
import { hashOf, type TargetGroup, targetsOf, type TargetSpec } from "./targets.ts";

/** Targets begin at multiples of this within their interval. To wake up costs as much as 20 samples: fine only where it spreads work. */
const FINE_TICK_MS = 100;
const COARSE_TICK_MS = 1000;
const FEW_TARGETS = 10;
const LONG_INTERVAL_MS = 5000;
const LISTS_EVERY_MS = 5000;
const TARGETS_MAX = 10_000;

interface Planned {
  readonly target: Target;
  readonly intervalMs: number;
  readonly offsetMs: number;
}

interface Job {
  readonly config: JobConfig;
  readonly lists: readonly ServiceList[];
  readonly specsOf: (group: TargetGroup) => TargetSpec[];
}

/** Scrapes every target at its place in its interval, and keeps up with the service lists. */
export class Scraper {
  private readonly ctx: PluginContext;
  private readonly jobs: readonly Job[];
  private readonly client = new HttpClient();
  private readonly shortestMs: number;
  private tickMs = 0;
  private timer: Disposable | null = null;
  private planned = new Map<string, Planned>();
  private lastMs = 0;
  private problems: readonly string[] = [];
  private stated: string | null = null;

  constructor(ctx: PluginContext, { jobs }: ScrapeConfig) {
    this.ctx = ctx;
    this.jobs = jobs.map((config, i) => {
      const relabel = relabeler(config.relabel, `/jobs/${i}/relabel`);
      const metricRelabel = relabeler(config.metric_relabel, `/jobs/${i}/metric_relabel`);
      return {
        config,
        lists: config.service_lists.map((path) => new ServiceList(path)),
        specsOf: (group) => targetsOf(config, group, relabel, metricRelabel),
      };
    });
    this.shortestMs = Math.min(...jobs.map(({ scrape_interval_ms: ms }) => ms));
  }

  async start(): Promise<void> {
    await this.refresh();
    if (this.ctx.signal.aborted) return;
    this.plan();
    if (this.jobs.some(({ lists }) => lists.length > 0))
      this.ctx.every(LISTS_EVERY_MS, async () => {
        if (await this.refresh()) this.plan();
        this.state();
      });
    this.ctx.use({ dispose: () => this.client.dispose() });
  }

  stop(): void {
    this.client.dispose();
  }

  /** Starts what became due since the tick before, each once and at its own time. */
  private tick(): void {
    const nowMs = this.floor(this.ctx.clock.now());
    // After a sleep or a step of the clock nothing is made up for.
    const sinceMs = nowMs > this.lastMs && nowMs - this.lastMs < 2 * this.tickMs + 1 ? this.lastMs : nowMs - this.tickMs;
    this.lastMs = nowMs;
    for (const { target, intervalMs, offsetMs } of this.planned.values()) {
      const dueMs = nowMs - ((((nowMs - offsetMs) % intervalMs) + intervalMs) % intervalMs);
      if (dueMs <= sinceMs || target.running) continue;
      void target.scrape(this.client, dueMs).then(() => this.state());
    }
  }

  private async refresh(): Promise<boolean> {
    let changed = false;
    for (const { lists } of this.jobs) for (const list of lists) changed = (await list.refresh()) || changed;
    return changed;
  }

  /** Wakes up as often as so many targets need. */
  private pace(targets: number): void {
    const fine = this.shortestMs < COARSE_TICK_MS || (this.shortestMs < LONG_INTERVAL_MS && targets > FEW_TARGETS);
    const tickMs = fine ? FINE_TICK_MS : COARSE_TICK_MS;
    if (tickMs === this.tickMs) return;
    this.tickMs = tickMs;
    this.lastMs = this.floor(this.ctx.clock.now());
    void this.timer?.dispose();
    this.timer = this.ctx.every(tickMs, () => this.tick());
  }

  private scheduled(spec: TargetSpec): Planned {
    const { tickMs } = this;
    const intervalMs = Math.max(tickMs, Math.round(spec.job.scrape_interval_ms / tickMs) * tickMs);
    const target = this.planned.get(spec.key)?.target ?? new Target(this.ctx, spec);
    return { target, intervalMs, offsetMs: this.floor(hashOf(spec.key) % intervalMs) };
  }

  /** Takes up new targets, keeps known ones with what they know, and ends those that are gone. */
  private plan(): void {
    const problems: string[] = [];
    const specs = new Map<string, TargetSpec>();
    for (const { config, lists, specsOf } of this.jobs) {
      for (const group of [{ targets: config.targets }, ...lists.flatMap(({ groups }) => groups)]) {
        try {
          for (const spec of specsOf(group)) if (specs.size < TARGETS_MAX) specs.set(spec.key, spec);
        } catch (error) {
          problems.push(errorText(error));
        }
      }
    }
    this.pace(specs.size);
    const planned = new Map<string, Planned>();
    for (const spec of specs.values()) planned.set(spec.key, this.scheduled(spec));
    if (planned.size >= TARGETS_MAX) problems.push(`there are more targets than the ${TARGETS_MAX} that are scraped`);
    for (const [key, { target }] of this.planned) if (!planned.has(key)) target.end(this.ctx.clock.now());
    this.planned = planned;
    this.problems = problems;
    this.state();
  }

  /** Says how it is when that has changed. */
  private state(): void {
    if (this.ctx.signal.aborted) return;
    const problems = [...this.problems];
    for (const { lists } of this.jobs) for (const { problem } of lists) if (problem !== null) problems.push(problem);
    let down = 0;
    let first = "";
    for (const { target } of this.planned.values()) {
      if (target.problem === null) continue;
      if (down++ === 0) first = `${target.spec.url.host}: ${target.problem}`;
    }
    if (down > 0) problems.push(`${down} of ${this.planned.size} targets cannot be scraped: ${first}`);
    const said = problems.length === 0 ? null : problems.join("; ").slice(0, 1000);
    if (said === this.stated) return;
    this.stated = said;
    if (said === null) this.ctx.status("ok");
    else this.ctx.status("degraded", said);
  }

  private floor(ms: number): number {
    return ms - (ms % this.tickMs);
  }
}
