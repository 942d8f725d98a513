import { useSignal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import type { PanelReport } from "all-use-agent/sdk";
import { formatClock, formatQuantity } from "../format.ts";
import { edge, stale } from "../state/agent.ts";
import { queryScalar } from "../state/api.ts";
import { back, between, pan, range, setRange, windowOf } from "../state/range.ts";
import { connection } from "../state/stream.ts";
import { words } from "../words.ts";
import { Chart, type ChartTime } from "./chart.tsx";
import { PanelFeed } from "./feed.ts";
import { ChartModel } from "./model.ts";

/** The page's own time: the range in the address, moving with the newest sample while live. */
const pageTime: ChartTime = {
  window: () => windowOf(range.value, edge.value),
  edgeMs: () => edge.value,
  edgeWord: () => (stale.value || connection.value === "lost" ? formatClock(edge.value) : words.chart.now),
  linked: true,
  zoom: (fromMs, toMs) => setRange(between(fromMs, toMs)),
  pan: (byMs) => pan(byMs, edge.peek()),
  back,
};

/** The chart's lines are named by the panel's legend label; without one by whatever tells them apart. */
export function lineName(legend: string | undefined, labels: Readonly<Record<string, string>>): string {
  return (legend && labels[legend]) || Object.values(labels).join(" ") || words.chart.others;
}

/** The quantity's whole beside the title: "16 cores", "64 GB". It changes with the hardware: read once. */
function useTotal(panel: PanelReport): string {
  const text = useSignal("");
  useEffect(() => {
    const { total } = panel;
    if (!total) return undefined;
    const abort = new AbortController();
    queryScalar(total.expr, abort.signal)
      .then((value) => (text.value = value === null ? "" : formatQuantity(value, total.unit)))
      // Without its whole the chart still says everything else.
      .catch(() => undefined);
    return () => abort.abort();
  }, [panel.panel]);
  return text.value;
}

const PLOT_HEIGHT = 80;

/** The chart of a panel that a plugin declared. */
export function PanelChart({ panel, height = PLOT_HEIGHT }: { panel: PanelReport; height?: number }) {
  const { model, feed } = useMemo(() => {
    const made = new ChartModel({
      unit: panel.unit,
      max: panel.max,
      nameOf: (labels) => lineName(panel.legend, labels),
      learns: true,
      ground: "ground",
    });
    return { model: made, feed: new PanelFeed(made, panel) };
  }, [panel.panel]);
  useEffect(() => feed.start(), [feed]);
  const total = useTotal(panel);
  return (
    <Chart
      model={model}
      title={panel.title}
      sub={total}
      time={pageTime}
      height={height}
      panel={panel.panel}
      retry={() => feed.again()}
    />
  );
}
