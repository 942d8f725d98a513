import type { FunctionComponent } from "preact";
import { openAdvice } from "../state/truth.ts";
import { plugins, recommendations } from "../state/agent.ts";
import { needsLook } from "../state/plugin-list.ts";
import { words } from "../words.ts";
import { Advice } from "./advice.tsx";
import { Now } from "./now.tsx";
import { Plugins } from "./plugins.tsx";

/** A place of the page. To add one: its component, and a line below. */
export interface Place {
  readonly id: string;
  readonly title: string;
  /** After `g`. */
  readonly key: string;
  readonly component: FunctionComponent;
  /** Places of one group stand together in the rail. */
  readonly group: number;
  /** The number beside its name: what waits there. */
  readonly count?: () => number;
}

export const places: readonly Place[] = [
  { id: "now", title: words.places.now, key: "n", component: Now, group: 0 },
  {
    id: "advice",
    title: words.places.advice,
    key: "a",
    component: Advice,
    group: 0,
    count: () => openAdvice(recommendations.value ?? []).length,
  },
  {
    id: "plugins",
    title: words.places.plugins,
    key: "p",
    component: Plugins,
    group: 1,
    count: () => (plugins.value ?? []).filter(needsLook).length,
  },
];
