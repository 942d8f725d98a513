import { aborted, declared, leavesNothing, methods, startAndStop, stopMidway } from "./conformance/lifecycle.ts";
import { batchIsBorrowed, input, strangeBatches } from "./conformance/batches.ts";
import { clockJumps } from "./conformance/clock.ts";
import { denied } from "./conformance/denied.ts";
import { memory, randomUse } from "./conformance/endurance.ts";
import { Kit } from "./conformance/kit.ts";
import { manifestFaults } from "./conformance/manifest-faults.ts";
import { pressure } from "./conformance/pressure.ts";
import { garbageSnapshot, snapshotRoundTrip } from "./conformance/snapshots.ts";
import { strangeAnswers } from "./conformance/strange-answers.ts";
import type { PluginLoad } from "./conformance/trial.ts";
import type { Manifest } from "./manifest.ts";

export type { PluginLoad } from "./conformance/trial.ts";

/** One property of a well-behaved plugin. `run` rejects with one sentence when the plugin does not have it. */
export interface ConformanceCheck {
  readonly name: string;
  readonly run: () => Promise<void>;
}

export interface ConformanceOptions {
  /** Over the schema's defaults. Properties of format `data-path` get a folder of their own in any case. */
  readonly config?: Readonly<Record<string, unknown>>;
  readonly seed?: number;
  /** Ticks of the memory check: 10,000, or as many as fit into `memoryMs` (5000). */
  readonly ticks?: number;
  readonly memoryMs?: number;
}

/**
 * What every plugin of the manifest's kind must do, as checks to run in any test framework:
 *
 *     for (const { name, run } of conformanceChecks(manifest, () => import("./index.ts"))) test(name, run);
 *
 * `manifest` is the parsed `plugin.json`. Each check makes its own instances, on a simulated clock and, where the manifest
 * has properties of format `data-path`, in temporary folders.
 */
export function conformanceChecks(manifest: unknown, load: PluginLoad, options: ConformanceOptions = {}): ConformanceCheck[] {
  const faults = manifestFaults(manifest);
  const checks: ConformanceCheck[] = [
    {
      name: "its manifest is valid",
      run: () => (faults.length === 0 ? Promise.resolve() : Promise.reject(new Error(faults.slice(0, 3).join("; ")))),
    },
  ];
  if (faults.length > 0) return checks;
  const valid = manifest as Manifest;
  if (valid.platforms && !(valid.platforms as readonly string[]).includes(process.platform)) return checks;
  const { kind } = valid;
  const kit = new Kit({ manifest: valid, load, config: options.config ?? {} }, options);
  const add = (name: string, check: (kit: Kit) => Promise<void>): void => void checks.push({ name, run: () => check(kit) });

  add(`its factory returns the methods of a ${kind}`, methods);
  add("it can be stopped unstarted, twice, and made several times over", startAndStop);
  add("it can be stopped while it starts and while it works", stopMidway);
  add("nothing of it is left after stop, and it stays silent", leavesNothing);
  add("it emits only what it declares, with sane times and values", declared);
  if (kind === "collector") add("a reading that is aborted ends", (one) => aborted(one, "collect"));
  if (kind === "exporter") add("a sending that is aborted ends", (one) => aborted(one, "send"));
  if (["processor", "analytics", "storage", "exporter"].includes(kind)) {
    add("it keeps nothing of a batch that its emitter refills", batchIsBorrowed);
    add(valid.mutates ? "it only shortens or changes batches" : "it leaves batches as they were", input);
    add("it takes NaN, infinities, empty and huge batches", strangeBatches);
  }
  add("it takes NaN and infinities as answers", strangeAnswers);
  add("it goes on, or says why not, when it is refused what it asks for", denied);
  add("it waits for what is slow instead of piling it up", pressure);
  add("it goes on when the clock jumps forward, back, and over a sleep", clockJumps);
  add("its snapshot, restored, gives the same snapshot", snapshotRoundTrip);
  add("it starts although what it restores is garbage", garbageSnapshot);
  add("it survives random use", randomUse);
  add("its memory does not grow with time", memory);
  return checks;
}
