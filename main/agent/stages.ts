import type { Batch, Disposable, SeriesStorage } from "all-use-agent/sdk";
import { ExportQueue, type ExportTarget } from "../flow/export-queue.ts";
import { LatestGate } from "../flow/latest-gate.ts";
import type { Stage, Stages } from "../flow/pipeline.ts";
import type { PluginHost } from "../host/host.ts";
import type { Instance } from "../host/instance-type.ts";

interface Surroundings {
  /** Takes rows on that a processor gave back. */
  resume(rows: Batch, following: readonly Stage[]): void;
  after(delayMs: number, task: () => void): Disposable;
  warn(id: string, message: string): void;
}

/** The plugins that take part in the samples' way now. Built anew when some plugin's state changed; export queues stay. */
export class StageList {
  private readonly host: PluginHost;
  private readonly surroundings: Surroundings;
  /** By the instance's id: another instance of the same goes on with the queue. */
  private readonly queues = new Map<string, { readonly instance: Instance; readonly queue: ExportQueue }>();
  private readonly gates = new WeakMap<Instance, LatestGate>();
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
        take: this.atItsPace(instance, (batch) => instance.onWay(() => plugin.observe(batch))),
      })),
      exports: this.host.running("exporter").flatMap(({ instance, plugin }) => {
        const send = plugin.send?.bind(plugin);
        if (!send) return [];
        const queue = this.queueOf(instance, send);
        return [{ push: this.atItsPace(instance, (batch) => queue.push(batch)) }];
      }),
    };
  }

  /** Over its budget, it gets the newest of every series now and then instead of everything. */
  private atItsPace(instance: Instance, deliver: (batch: Batch) => void): (batch: Batch) => void {
    if (!instance.slowed) {
      this.gates.delete(instance);
      return deliver;
    }
    let gate = this.gates.get(instance);
    if (!gate) {
      const leftOut = (batches: number): void => instance.leftOut?.(batches);
      gate = new LatestGate({ now: () => performance.now(), deliver, leftOut });
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
    const queue = known?.queue ?? new ExportQueue(target);
    if (known) queue.handOver(target);
    this.queues.set(instance.id, { instance, queue });
    return queue;
  }
}
