import type { Batch, Disposable, SeriesStorage } from "all-use-agent/sdk";
import { Backlog } from "../flow/backlog.ts";
import { ANALYTICS_EDGE, bytesOf, edgeBounds, type EdgeReport, EXPORT_EDGE } from "../flow/edge.ts";
import { ExportQueue, type ExportTarget } from "../flow/export-queue.ts";
import { LatestGate } from "../flow/latest-gate.ts";
import type { Stage, Stages } from "../flow/pipeline.ts";
import type { PluginHost } from "../host/host.ts";
import type { Instance } from "../host/instance-type.ts";

interface Surroundings {
  /** Takes rows on that a processor gave back. */
  resume(rows: Batch, following: readonly Stage[]): void;
  readonly after: (delayMs: number, task: () => void) => Disposable;
  /** Never steps back. */
  readonly elapsed: () => number;
  warn(id: string, message: string): void;
}

/** The plugins that take part in the samples' way now. Built anew when some plugin's state changed; export queues stay. */
export class StageList {
  private readonly host: PluginHost;
  private readonly surroundings: Surroundings;
  /** By the instance's id: another instance of the same goes on with the queue. */
  private readonly queues = new Map<string, { readonly instance: Instance; readonly queue: ExportQueue }>();
  private readonly gates = new WeakMap<Instance, LatestGate>();
  private readonly backlogs = new WeakMap<Instance, Backlog>();
  private built: Stages | null = null;

  constructor(host: PluginHost, surroundings: Surroundings) {
    this.host = host;
    this.surroundings = surroundings;
  }

  invalidate(): void {
    this.built = null;
  }

  current(): Stages {
    return (this.built ??= this.build());
  }

  /** Every edge as it is now: what waits there, and what was lost there. */
  edges(): EdgeReport[] {
    const reports: EdgeReport[] = [];
    const storage = this.host.provider<SeriesStorage>("series");
    if (storage) reports.push(storageEdge(storage.instance.id, storage.plugin));
    for (const { instance } of this.host.running("analytics")) {
      const { policy } = edgeBounds(ANALYTICS_EDGE, instance.manifest.edge);
      const at = { edge: "analytics", plugin: instance.id, policy } as const;
      const waiting = this.backlogs.get(instance)?.waiting;
      const gate = this.gates.get(instance);
      if (waiting) reports.push({ ...at, rows: waiting.rows, bytes: waiting.bytes, dropped: waiting.dropped });
      else reports.push({ ...at, rows: gate?.rows ?? 0, bytes: gate ? bytesOf(gate.rows) : 0, dropped: gate?.dropped ?? 0 });
    }
    for (const [plugin, { instance, queue }] of this.queues) {
      const { rows, bytes, dropped } = queue.waiting;
      const left = this.gates.get(instance)?.dropped ?? 0;
      reports.push({ edge: "export", plugin, policy: queue.bounds.policy, rows, bytes, dropped: dropped + left });
    }
    return reports;
  }

  /** The exporter that refused samples a short while ago although its edge says that it must have all, or null. */
  refusing(): string | null {
    for (const [id, { queue }] of this.queues) if (queue.waiting.refusing) return id;
    return null;
  }

  private build(): Stages {
    const storage = this.host.provider<SeriesStorage>("series");
    const processors = this.host.running("processor");
    const stages: Stage[] = processors.map(({ instance, plugin }) => ({
      take: (batch) => instance.onWay(() => plugin.process(batch)),
    }));
    const away = processors.flatMap(({ instance }, index) => {
      if (!instance.away) return [];
      const following = stages.slice(index + 1);
      instance.away.onward = (rows) => this.surroundings.resume(rows, following);
      return [instance.away];
    });
    return {
      processors: stages,
      away,
      storage: storage && {
        take(batch) {
          let refused: number | void = 0;
          storage.instance.onWay(() => void (refused = storage.plugin.append(batch)));
          return refused ?? 0;
        },
      },
      analytics: this.host.running("analytics").map(({ instance, plugin }) => ({
        take: this.toAnalytics(instance, (batch) => instance.onWay(() => plugin.observe(batch))),
      })),
      exports: this.host.running("exporter").flatMap(({ instance, plugin }) => {
        const send = plugin.send?.bind(plugin);
        if (!send) return [];
        const queue = this.queueOf(instance, send);
        const push = (batch: Batch): void => queue.push(batch);
        return [{ push: queue.bounds.policy === "block" ? push : this.atItsPace(instance, push) }];
      }),
    };
  }

  private toAnalytics(instance: Instance, deliver: (batch: Batch) => void): (batch: Batch) => void {
    const bounds = edgeBounds(ANALYTICS_EDGE, instance.manifest.edge);
    if (bounds.policy === "block") return deliver;
    if (bounds.policy === "latest") return this.atItsPace(instance, deliver, bounds.rows);
    let backlog = this.backlogs.get(instance);
    if (!backlog) {
      const { after, elapsed } = this.surroundings;
      backlog = new Backlog({ bounds, deliver, slowed: () => instance.slowed === true, after, elapsed });
      this.backlogs.set(instance, backlog);
    }
    const made = backlog;
    return (batch) => made.push(batch);
  }

  /** Over its budget, it gets the newest of every series now and then instead of everything. */
  private atItsPace(instance: Instance, deliver: (batch: Batch) => void, rowsMax = EXPORT_EDGE.rows): (batch: Batch) => void {
    let gate = this.gates.get(instance);
    if (!instance.slowed) {
      gate?.open();
      return deliver;
    }
    if (!gate) {
      const leftOut = (batches: number): void => instance.leftOut?.(batches);
      gate = new LatestGate({ now: () => performance.now(), deliver, leftOut, rowsMax });
      this.gates.set(instance, gate);
    }
    const made = gate;
    return (batch) => made.push(batch);
  }

  private queueOf(instance: Instance, send: ExportTarget["send"]): ExportQueue {
    const known = this.queues.get(instance.id);
    if (known?.instance === instance) return known.queue;
    const target: ExportTarget = {
      send,
      signal: instance.signal,
      call: (task) => instance.call(task),
      after: (ms, task) => void this.surroundings.after(ms, task),
      warn: (message) => this.surroundings.warn(instance.id, message),
    };
    const bounds = edgeBounds(EXPORT_EDGE, instance.manifest.edge);
    const queue = known?.queue ?? new ExportQueue(target, bounds, this.surroundings.elapsed);
    if (known) queue.handOver(target);
    this.queues.set(instance.id, { instance, queue });
    return queue;
  }
}

/** A store refuses what its memory cannot hold, and `flush` says so: its edge is always one that blocks. */
function storageEdge(plugin: string, store: SeriesStorage): EdgeReport {
  const { counters } = store.stats();
  const count = (name: string): number => counters[name] ?? 0;
  return {
    edge: "storage",
    plugin,
    policy: "block",
    rows: count("head_samples"),
    bytes: count("wal_waiting_bytes"),
    dropped: count("samples_refused") + count("samples_out_of_time") + count("samples_undefined"),
  };
}
