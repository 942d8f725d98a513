import { signal } from "@preact/signals";
import { isOutside } from "../chart/band.ts";
import { onEvent, type Tick } from "./stream.ts";

/** So many ticks in a row outside the band count: one is noise. */
const OUTSIDE_TICKS = 3;

export interface PanelHealth {
  readonly outside: boolean;
  readonly learning: boolean;
}

/** Which panels are outside what is usual, and which have no band yet, from the ticks alone. Pure but for its memory. */
export class PanelWatch {
  private readonly inRow = new Map<string, number>();

  /** Takes a tick; the health of each panel in it. */
  take(rows: Tick["panels"]): ReadonlyMap<string, PanelHealth> {
    const outside = new Set<string>();
    const known = new Set<string>();
    const health = new Map<string, PanelHealth>();
    for (const { panel, value, low, high } of rows) {
      if (low !== null && high !== null) {
        known.add(panel);
        if (isOutside(value, low, high)) outside.add(panel);
      }
      health.set(panel, { outside: false, learning: true });
    }
    for (const panel of health.keys()) {
      // At the first tick there is nothing to compare with: it is believed.
      const count = outside.has(panel) ? (this.inRow.get(panel) ?? OUTSIDE_TICKS - 1) + 1 : 0;
      this.inRow.set(panel, count);
      health.set(panel, { outside: count >= OUTSIDE_TICKS, learning: !known.has(panel) });
    }
    return health;
  }
}

const watch = new PanelWatch();
export const panelHealth = signal<ReadonlyMap<string, PanelHealth>>(new Map());

/** How many of the panels have values, are outside, are learning. */
export function healthOf(panels: readonly { readonly panel: string }[]): {
  readonly seen: number;
  readonly outside: number;
  readonly learning: number;
} {
  let seen = 0;
  let outside = 0;
  let learning = 0;
  for (const { panel } of panels) {
    const health = panelHealth.value.get(panel);
    if (!health) continue;
    seen++;
    if (health.outside) outside++;
    if (health.learning) learning++;
  }
  return { seen, outside, learning };
}

export function startPanelHealth(): void {
  onEvent("tick", (tick) => (panelHealth.value = watch.take(tick.panels)));
}
