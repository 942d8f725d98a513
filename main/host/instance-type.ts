import type { Batch, CollectReport, Manifest, PluginLifecycle, PluginReport } from "all-use-agent/sdk";
import type { Attributable } from "./attribution.ts";
import type { PluginFolder } from "./discover.ts";

/** Rows that a processor took to its own process, in order. */
export interface AwayRows {
  /** Where they go when they come back. Set by whoever builds the samples' way. */
  onward: (rows: Batch) => void;
  readonly waiting: boolean;
  /** Resolves when the rows that are away now have gone on. */
  settled(): Promise<void>;
}

/** One plugin as the host and the rooms see it, wherever its code runs. */
export interface Instance extends Attributable {
  /** The manifest's id, `#<instance>` after it for a named instance. */
  readonly id: string;
  readonly manifest: Manifest;
  readonly origin: PluginFolder["origin"];
  /** Aborted when the plugin is to stop. */
  readonly signal: AbortSignal;
  /** Started and not failed. */
  readonly running: boolean;
  /** The plugin's methods while it is started. The same object over a restart of its process. */
  readonly plugin: PluginLifecycle | null;
  /** Of a processor that works elsewhere: what is with it. */
  readonly away?: AwayRows | null;
  /** CPU it took since the start, in ms. */
  readonly busyMs: number;
  /** Never throws: what goes wrong is the plugin's state. `standby`: nothing is read before `begin`. */
  start(standby?: boolean): Promise<void>;
  /** Legal in any state, and twice. `keep` false: another has taken over, and its snapshot is the newer one. */
  stop(keep?: boolean): Promise<void>;
  /**
   * Ends what it does at intervals, and waits for the reading that is under way. Resolves with the time until which ticks
   * are served, Unix ms. Absent where nobody can take over while it runs.
   */
  halt?(): Promise<number>;
  /** Reads from now on, at once where a tick after `servedMs` has passed. Called once, after `start(true)`. */
  begin?(servedMs: number): void;
  saveSnapshot(): Promise<void>;
  /** Has a collector read now, and tells what came of it. Rejects with `collect_unsupported`. */
  collectNow(): Promise<CollectReport>;
  /** Calls into the plugin in its name. Errors pass through: they may be answers. */
  call<T>(task: () => T): T;
  /** A call on the samples' way: what it throws is counted, and too many in a row fail the plugin. */
  onWay(task: () => void): void;
  /** Of a collector that is asked for readings: how often now, and why. */
  readonly pace: PluginReport["pace"] | null;
  report(): PluginReport;
  /** Its use of CPU is held against its budget. Called every 10 s. */
  lookAtBudget?(): void;
  /** It runs at half its pace, because it was over its budget. */
  readonly slowed?: boolean;
  /** Batches were not handed to it, because it is slowed. */
  leftOut?(batches: number): void;
}
