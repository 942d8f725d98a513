import type { Disposable } from "all-use-agent/sdk";
import type { LoadLevel } from "./load-rule.ts";

/** What all collectors of an agent are under. */
export interface Surroundings {
  /** The same for this agent at all times, another for another. */
  readonly seed: string;
  readonly load: { readonly level: LoadLevel; readonly reason: string | null };
  /** Tells when the load level is another. */
  onLoad(listener: () => void): Disposable;
  onBattery(): boolean;
  /** Whether the machine has a way out: an interface beside the loopback one that is up. */
  networkUp(): boolean;
  /** Tells when its ways out are others than before. Looked at only while somebody listens. */
  onNetwork(listener: () => void): Disposable;
}

/** Nothing is the matter, ever: for an agent without collectors, and for tests. */
export const CALM: Surroundings = {
  seed: "",
  load: { level: 0, reason: null },
  onLoad: () => ({ dispose: () => {} }),
  onBattery: () => false,
  networkUp: () => true,
  onNetwork: () => ({ dispose: () => {} }),
};
