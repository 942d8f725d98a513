import { useEffect, useMemo, useRef } from "preact/hooks";
import type { Evidence, RecommendationReport } from "all-use-agent/sdk";
import { formatClock } from "../format.ts";
import { agentNow, edge, panels, stale } from "../state/agent.ts";
import { connection, onCatchUp } from "../state/stream.ts";
import { words } from "../words.ts";
import { Chart, type ChartTime } from "./chart.tsx";
import { captionOf, evidenceWindow, limitsOf, unitOf } from "./evidence.ts";
import { loadCone, loadGaps, loadHistory } from "./load.ts";
import { ChartModel } from "./model.ts";
import { lineName } from "./panel-chart.tsx";
import { queryStepMs } from "./scale.ts";

/** Evidence is about minutes and hours: what has been added since is shown this often. */
const REFRESH_MS = 15_000;

interface EvidenceProps {
  readonly evidence: Evidence;
  readonly severity: RecommendationReport["severity"];
  readonly height: number;
  readonly parts: number;
}

/** The series a claim rests on, with the claim's window marked. It chooses its own stretch of time. */
export function EvidenceChart({ evidence, severity, height, parts }: EvidenceProps) {
  const { expr } = evidence;
  const list = panels.value ?? [];
  const { title, sub, panel } = captionOf(expr, list);
  const unit = unitOf(evidence, list);
  const max = panel?.unit === unit ? panel.max : undefined;
  // Advice that still holds is given again every few seconds with newer figures: the chart stays, its marks move.
  const latest = useRef(evidence);
  latest.current = evidence;

  const { model, time, read } = useMemo(() => {
    const made = new ChartModel({
      unit,
      max,
      nameOf: (labels) => lineName(panel?.legend, labels),
      learns: false,
      alarm: true,
      ground: "surface",
    });
    const own: ChartTime = {
      window: () => evidenceWindow(latest.current, edge.value),
      edgeMs: () => edge.value,
      edgeWord: () => (stale.value || connection.value === "lost" ? formatClock(edge.value) : words.chart.now),
      linked: false,
    };
    return { model: made, time: own, read: (signal: AbortSignal) => readEvidence(made, latest.current, signal) };
  }, [expr, unit, max]);

  useEffect(() => {
    model.severity = severity;
    model.windows = [{ fromMs: evidence.fromMs, toMs: evidence.toMs, severity }];
    model.limits = limitsOf(evidence, unit, severity);
    model.changed();
  }, [model, evidence, severity]);

  useEffect(() => {
    const abort = new AbortController();
    const go = (): void => void (!document.hidden && model.width.peek() && read(abort.signal));
    const stop = model.width.subscribe(go);
    const stopCatchUp = onCatchUp(go);
    const timer = setInterval(() => connection.peek() === "live" && go(), REFRESH_MS);
    return () => {
      abort.abort();
      stop();
      stopCatchUp();
      clearInterval(timer);
    };
  }, [model, read]);

  return (
    <Chart
      model={model}
      title={title}
      sub={sub}
      time={time}
      height={height}
      parts={parts}
      retry={() => void read(new AbortController().signal)}
    />
  );
}

async function readEvidence(model: ChartModel, evidence: Evidence, signal: AbortSignal): Promise<void> {
  const window = evidenceWindow(evidence, edge.peek());
  const past = { fromMs: window.fromMs, toMs: agentNow() };
  const stepMs = queryStepMs(window.toMs - window.fromMs, model.width.peek());
  try {
    const [gaps, cone] = await Promise.all([
      loadGaps(past).catch(() => []),
      loadCone(evidence.expr, null, window.toMs - edge.peek(), signal).catch(() => null),
      loadHistory(model, evidence.expr, past, stepMs, signal),
    ]);
    model.gaps = gaps.map((gap) => ({ ...gap, word: "" }));
    model.cone = cone;
    model.state.value = model.columns.length > 0 ? "ready" : "empty";
    model.changed();
  } catch (error) {
    if (signal.aborted) return;
    model.failure.value = error instanceof Error ? error.message : String(error);
    model.state.value = "failed";
  }
}
