import type uPlot from "uplot";
import { formatAxisTime } from "../format.ts";
import { isOutside, outsideRuns, type Run } from "./band.ts";
import { gapAfterMs } from "./columns.ts";
import type { ColourName, Palette } from "./palette.ts";
import { areaBetween, clip, haloText, horizontal, type Pen, penOf, strokeColumn, vertical } from "./pen.ts";
import { timeStep, timeTicks, valueTicks } from "./scale.ts";
import { colourOf, type Scene, type Span } from "./scene.ts";

/** A chart's lines and what lies in front: limits, the part outside the band, the bar under the axis, now, and the words. */

const AXIS_LABEL_PX = 76;
const BAR_TOP_PX = 1;
const BAR_PX = 3;

export function drawInFront(u: uPlot, px: number, scene: Scene, colours: Palette): void {
  const pen = penOf(u, px, scene, colours);
  const { ctx } = pen;
  ctx.save();
  ctx.font = colours.font.replace("12px", `${12 * px}px`);
  ctx.textBaseline = "alphabetic";
  drawLines(pen, scene);
  drawLimits(pen, scene);
  drawExcess(pen, scene);
  for (const mark of scene.marks) drawBar(pen, mark, colours[mark.severity === "critical" ? "critical-line" : "attention-line"]);
  drawHeads(pen, scene);
  drawWords(pen, scene);
  ctx.restore();
}

const LINE_PX = 1.25;

/** The measured lines, the one in focus last so that it lies on top. */
function drawLines(pen: Pen, scene: Scene): void {
  const { ctx, px } = pen;
  const { columns } = scene;
  ctx.save();
  clip(pen);
  ctx.lineWidth = LINE_PX * px;
  // At this width nobody sees a round join, and drawing one costs as much as the line.
  ctx.lineJoin = "bevel";
  for (const index of scene.shown.toSorted((a, b) => Number(a === scene.focus) - Number(b === scene.focus))) {
    ctx.strokeStyle = pen.colours[colourOf(scene, index)];
    strokeColumn(pen, columns.x, columns.columns[index].value, columns.start, columns.end);
  }
  ctx.restore();
}

function drawLimits(pen: Pen, scene: Scene): void {
  const { ctx, px, box } = pen;
  for (const limit of scene.limits) {
    if (limit.value < scene.scale.low || limit.value > scene.scale.high) continue;
    const name = limit.severity === "critical" || limit.severity === "attention" ? limit.severity : null;
    horizontal(pen, limit.value, name ? `${name}-line` : "chart-now");
    const y = pen.y(limit.value);
    const below = y - box.top < 14 * px;
    ctx.textAlign = "left";
    haloText(pen, scene, limit.word, box.left + 4 * px, y + (below ? 13 : -4) * px, name ?? "ink-quiet");
  }
}

/** The measured line once more in the meaning's colour, clipped to what is outside the band, the excess tinted, and a bar under the axis. */
function drawExcess(pen: Pen, scene: Scene): void {
  const { columns } = scene;
  const column = columns.columns[scene.focus];
  if (!column) return;
  const { ctx, px } = pen;
  const line = pen.colours[scene.severity === "critical" ? "critical-line" : "attention-line"];
  const hasBand = (i: number): boolean => i >= columns.start && i < columns.end && column.low[i] <= column.high[i];
  const runs = outsideRuns(column.value, column.low, column.high, columns.start, columns.end);
  for (const run of runs) {
    // One row more on either side, where there is a band, so that the colour begins on its edge.
    const from = hasBand(run.from - 1) ? run.from - 1 : run.from;
    const to = hasBand(run.to + 1) ? run.to + 1 : run.to;
    ctx.save();
    clip(pen);
    ctx.clip(outsideOf(pen, scene, { from, to }), "evenodd");
    ctx.globalAlpha = 0.16;
    ctx.fillStyle = line;
    ctx.fill(areaBetween(pen, columns.x, column.value, column.low, from, to + 1));
    ctx.globalAlpha = 1;
    ctx.strokeStyle = line;
    ctx.lineWidth = 2 * px;
    ctx.lineJoin = "round";
    strokeColumn(pen, columns.x, column.value, from, to + 1);
    ctx.restore();
    drawBar(pen, { fromMs: columns.x[run.from], toMs: columns.x[run.to] }, line);
  }
}

/** Under the axis, for those who do not see colour. */
function drawBar(pen: Pen, span: Span, colour: string): void {
  const { ctx, px, box } = pen;
  const left = Math.max(box.left, pen.x(span.fromMs));
  const right = Math.min(box.left + box.width, pen.x(span.toMs));
  if (right < left) return;
  ctx.fillStyle = colour;
  ctx.fillRect(left, box.top + box.height + BAR_TOP_PX * px, Math.max(2 * px, right - left), BAR_PX * px);
}

/** The rectangle over the rows' stretch with the band cut out of it (even-odd). */
function outsideOf(pen: Pen, scene: Scene, run: Run): Path2D {
  const { columns } = scene;
  const { box, px } = pen;
  const column = columns.columns[scene.focus];
  const path = areaBetween(pen, columns.x, column.high, column.low, run.from, run.to + 1);
  const left = pen.x(columns.x[run.from]);
  path.rect(left, box.top - 4 * px, pen.x(columns.x[run.to]) + px - left, box.height + 8 * px);
  return path;
}

/** A dot where each line ends, while its end is on the axis and new. */
function drawHeads(pen: Pen, scene: Scene): void {
  const { columns, edgeMs } = scene;
  const { ctx, px, box } = pen;
  if (edgeMs > scene.fromMs && edgeMs < scene.toMs) vertical(pen, edgeMs, "chart-now");
  const head = columns.end - 1;
  if (head < columns.start || columns.x[head] < edgeMs - 3 * gapAfterMs(columns.stepMs)) return;
  for (const index of scene.shown) {
    const column = columns.columns[index];
    const value = column.value[head];
    const x = pen.x(columns.x[head]);
    if (Number.isNaN(value) || x < box.left || x > box.left + box.width) continue;
    const outside = index === scene.focus && isOutside(value, column.low[head], column.high[head]);
    ctx.fillStyle =
      pen.colours[outside ? (scene.severity === "critical" ? "critical-line" : "attention-line") : colourOf(scene, index)];
    ctx.beginPath();
    ctx.arc(x, pen.y(value), (scene.shown.length > 1 ? 2.25 : 3) * px, 0, 2 * Math.PI);
    ctx.fill();
  }
}

function drawWords(pen: Pen, scene: Scene): void {
  const { ctx, box, px, colours } = pen;
  ctx.fillStyle = colours["ink-quiet"];
  ctx.textAlign = "left";
  for (const tick of valueTicks(scene.scale)) ctx.fillText(scene.tickText(tick), 0, pen.y(tick) + 4 * px);

  const right = box.left + box.width;
  const baseline = box.top + box.height + 17 * px;
  const taken: { readonly from: number; readonly to: number }[] = [];
  ctx.textAlign = "center";
  const place = (text: string, ms: number, colour: ColourName): void => {
    const half = ctx.measureText(text).width / 2;
    const x = Math.min(Math.max(pen.x(ms), box.left + half - 8 * px), right - half);
    if (taken.some((one) => x - half < one.to && x + half > one.from)) return;
    taken.push({ from: x - half - 8 * px, to: x + half + 8 * px });
    ctx.fillStyle = colours[colour];
    ctx.fillText(text, x, baseline);
  };
  if (scene.edgeMs > scene.fromMs && scene.edgeMs < scene.toMs) place(scene.edgeWord, scene.edgeMs, "ink");
  const stepMs = timeStep(scene.fromMs, scene.toMs, box.width / px / AXIS_LABEL_PX);
  for (const tick of timeTicks(scene.fromMs, scene.toMs, stepMs)) place(formatAxisTime(tick, stepMs), tick, "ink-quiet");

  for (const gap of scene.gaps) {
    const from = Math.max(box.left, pen.x(gap.fromMs));
    const to = Math.min(right, pen.x(gap.toMs));
    if (gap.word && ctx.measureText(gap.word).width + 16 * px < to - from) {
      haloText(pen, scene, gap.word, (from + to) / 2, box.top + box.height / 2 + 4 * px, "ink-quiet");
    }
  }
  if (scene.note) {
    ctx.textAlign = "left";
    const y = startsHigh(scene) ? box.top + box.height - 6 * px : box.top + 12 * px;
    haloText(pen, scene, scene.note, box.left + 4 * px, y, "ink-quiet");
  }
}

/** Whether the line in focus begins in the upper half of the plot, where words would lie on it. */
function startsHigh(scene: Scene): boolean {
  const { columns, scale, fromMs, toMs } = scene;
  const column = columns.columns[scene.focus];
  const untilMs = fromMs + (toMs - fromMs) / 4;
  let sum = 0;
  let count = 0;
  for (let i = columns.start; column && i < columns.end && columns.x[i] < untilMs; i++) {
    if (columns.x[i] < fromMs || Number.isNaN(column.value[i])) continue;
    sum += column.value[i];
    count++;
  }
  return count > 0 && sum / count > (scale.low + scale.high) / 2;
}
