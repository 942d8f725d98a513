import type uPlot from "uplot";
import { missingRuns } from "./band.ts";
import { gapAfterMs } from "./columns.ts";
import type { Palette } from "./palette.ts";
import { areaBetween, clip, hatch, horizontal, type Pen, penOf } from "./pen.ts";
import { valueTicks } from "./scale.ts";
import type { Scene, Span } from "./scene.ts";

/** What lies behind a chart's lines: windows, grid, band, cone, gaps. */

export function drawBehind(u: uPlot, px: number, scene: Scene, colours: Palette): void {
  const pen = penOf(u, px, scene, colours);
  const { ctx, box } = pen;
  // uPlot remembers which styles it has set: what is changed here has to be as before afterwards.
  ctx.save();
  ctx.save();
  clip(pen);
  for (const span of scene.windows) {
    const left = pen.x(span.fromMs);
    ctx.fillStyle = colours[span.severity === "critical" ? "critical-ground" : "attention-ground"];
    ctx.fillRect(left, box.top, Math.max(2 * px, pen.x(span.toMs) - left), box.height);
  }
  ctx.restore();
  for (const tick of valueTicks(scene.scale)) horizontal(pen, tick, tick === scene.scale.low ? "rule" : "chart-grid");
  ctx.save();
  clip(pen);
  drawBand(pen, scene);
  drawCone(pen, scene);
  for (const gap of gapsOf(scene)) hatch(pen, gap);
  ctx.restore();
  ctx.restore();
}

/** The pauses in what is drawn, as the store knows them and as the data itself shows them. */
function gapsOf(scene: Scene): Span[] {
  const { columns } = scene;
  const spans: Span[] = [...scene.gaps];
  for (const index of scene.shown.slice(0, 1)) {
    const { value } = columns.columns[index];
    for (const run of missingRuns(columns.x, value, columns.start, columns.end, gapAfterMs(columns.stepMs))) {
      spans.push({ fromMs: columns.x[run.from], toMs: columns.x[run.to] });
    }
  }
  return spans;
}

function drawBand(pen: Pen, scene: Scene): void {
  const column = scene.columns.columns[scene.focus];
  if (!column) return;
  const { x, start, end } = scene.columns;
  const { ctx, px } = pen;
  const path = areaBetween(pen, x, column.high, column.low, start, end);
  ctx.fillStyle = pen.colours["chart-band"];
  ctx.fill(path);
  ctx.strokeStyle = pen.colours["chart-band-edge"];
  ctx.lineWidth = 0.75 * px;
  ctx.stroke(path);
}

/** The first step after now: a cone read a while ago has steps that are past. */
function coneStart(scene: Scene): number {
  const { x } = scene.cone!;
  let first = 0;
  while (first < x.length && x[first] <= scene.edgeMs) first++;
  return first;
}

function drawCone(pen: Pen, scene: Scene): void {
  const { cone, columns } = scene;
  const column = columns.columns[scene.focus];
  if (!cone || !column) return;
  const first = coneStart(scene);
  const length = cone.x.length - first;
  if (length < 1) return;
  const { ctx, px } = pen;
  // It begins where the line ends: what is measured is certain.
  const head = columns.end - 1;
  const headMs = columns.x[head];
  const value = column.value[head];
  const points = (values: Float64Array): Path2D => {
    const path = new Path2D();
    if (Number.isNaN(value)) path.moveTo(pen.x(cone.x[first]), pen.y(values[first]));
    else path.moveTo(pen.x(headMs), pen.y(value));
    for (let i = first; i < cone.x.length; i++) path.lineTo(pen.x(cone.x[i]), pen.y(values[i]));
    return path;
  };
  const area = points(cone.high);
  for (let i = cone.x.length - 1; i >= first; i--) area.lineTo(pen.x(cone.x[i]), pen.y(cone.low[i]));
  area.closePath();
  ctx.fillStyle = pen.colours["chart-cone"];
  ctx.fill(area);
  ctx.strokeStyle = pen.colours["chart-cone-edge"];
  ctx.lineWidth = px;
  ctx.stroke(points(cone.high));
  ctx.stroke(points(cone.low));
  ctx.strokeStyle = pen.colours["chart-forecast"];
  ctx.lineWidth = 1.5 * px;
  ctx.setLineDash([4 * px, 3 * px]);
  ctx.stroke(points(cone.expected));
  ctx.setLineDash([]);
}
