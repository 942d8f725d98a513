import type { Manifest, PluginLifecycle, PluginReport } from "all-use-agent/sdk";
import type { Attributable } from "./attribution.ts";
import type { PluginFolder } from "./discover.ts";

/** One plugin as the host and the rooms see it, wherever its code runs. */
export interface Instance extends Attributable {
  readonly id: string;
  readonly manifest: Manifest;
  readonly origin: PluginFolder["origin"];
  /** Aborted when the plugin is to stop. */
  readonly signal: AbortSignal;
  /** Started and not failed. */
  readonly running: boolean;
  /** The plugin's methods while it is started. The same object over a restart of its process. */
  readonly plugin: PluginLifecycle | null;
  /** CPU it took since the start, in ms. */
  readonly busyMs: number;
  /** Never throws: what goes wrong is the plugin's state. */
  start(): Promise<void>;
  /** Legal in any state, and twice. */
  stop(): Promise<void>;
  saveSnapshot(): Promise<void>;
  /** Calls into the plugin in its name. Errors pass through: they may be answers. */
  call<T>(task: () => T): T;
  /** A call on the samples' way: what it throws is counted, and too many in a row fail the plugin. */
  onWay(task: () => void): void;
  report(): PluginReport;
  /** Its use of CPU is held against its budget. Called every 10 s. */
  lookAtBudget?(): void;
  /** It runs at half its pace, because it was over its budget. */
  readonly slowed?: boolean;
  /** Batches were not handed to it, because it is slowed. */
  leftOut?(batches: number): void;
}
