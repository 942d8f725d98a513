import type { Disposable } from "all-use-agent/sdk";
import type { HostServices } from "../services.ts";
import type { TimeSource } from "../time.ts";
import { AdaptiveMode } from "./adaptive-mode.ts";
import type { Emissions } from "./emissions.ts";
import { EventMode } from "./event-mode.ts";
import type { Pace, Strategy } from "./strategy.ts";
import type { Surroundings } from "./surroundings.ts";
import { ThresholdMode } from "./threshold-mode.ts";

/** What decides when a collector is due. */
export interface Mode extends Disposable {
  pace(): Pace;
  /** A reading is over. */
  read?(good: boolean): void;
}

/** What an installed plugin may watch by the strategy of its own manifest. */
export interface Rights {
  mayRead(metric: string | null): boolean;
  readonly readablePaths: readonly { readonly path: string }[];
}

/** What a mode works with. */
export interface ModeParts {
  readonly time: TimeSource;
  /** The manifest's id, and the instance's name. */
  readonly id: string;
  readonly instance: string;
  readonly emissions: Emissions;
  readonly services: Pick<HostServices, "query" | "queriedMetrics" | "on" | "seriesInfo">;
  readonly surroundings: Surroundings;
  /** null: may watch all. */
  readonly rights: Rights | null;
  /** Its pace is another than before. */
  readonly repace: () => void;
  /** Reads now. False: a reading is under way. */
  readonly ask: () => boolean;
  /** Something keeps it from doing its work, until `well` of the same code. */
  readonly trouble: (code: string, reason: string) => void;
  readonly well: (code: string) => void;
}

export function modeOf(strategy: Strategy, parts: ModeParts): Mode {
  switch (strategy.mode) {
    case "adaptive":
      return new AdaptiveMode(strategy, parts);
    case "event":
      return new EventMode(strategy, parts);
    case "threshold":
      return new ThresholdMode(strategy, parts);
    case "on_demand":
      return { pace: () => ({ intervalMs: null, reason: "only when it is asked for" }), dispose: () => {} };
    default:
      return { pace: () => ({ intervalMs: strategy.intervalMs, reason: "periodic" }), dispose: () => {} };
  }
}
