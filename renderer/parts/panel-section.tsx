import type { PanelReport } from "all-use-agent/sdk";
import { PanelChart } from "../chart/panel-chart.tsx";
import { newestSampleMs } from "../state/agent.ts";
import { healthOf } from "../state/panel-health.ts";
import { words } from "../words.ts";

interface SectionProps {
  readonly id: "machine" | "accounts" | "agent";
  readonly panels: readonly PanelReport[];
}

/** The panels of one place, in their own order. */
export const panelsOf = (panels: readonly PanelReport[], place: SectionProps["id"]): readonly PanelReport[] =>
  panels.filter((panel) => (panel.place ?? "machine") === place).toSorted((a, b) => (a.order ?? 1000) - (b.order ?? 1000));

/** A ruled section with a chart a panel. */
export function PanelSection({ id, panels }: SectionProps) {
  return (
    <section aria-labelledby={id}>
      <div class="head">
        <h2 id={id}>{words.sections[id]}</h2>
        <Summary panels={panels} />
      </div>
      <div class="grid">
        {panels.map((panel) => (
          <PanelChart key={panel.panel} panel={panel} />
        ))}
      </div>
    </section>
  );
}

/** How many charts are outside what is usual. Apart from the charts: it looks at every tick. */
function Summary({ panels }: { panels: readonly PanelReport[] }) {
  const { seen, outside, learning } = healthOf(panels);
  const parts =
    seen === 0
      ? [newestSampleMs.value === null ? words.sections.waiting : ""]
      : [
          outside ? words.sections.outside(outside, seen) : learning < seen ? words.sections.asUsual : "",
          learning ? words.sections.learning(learning, seen) : "",
        ];
  return <span class="q">{parts.filter(Boolean).join(", ")}</span>;
}
