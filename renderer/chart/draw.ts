import type uPlot from "uplot";
import { formatAxisTime } from "../format.ts";
import { gapAfterMs } from "./columns.ts";
import { missingRuns, outsideRuns, type Run } from "./band.ts";
import type { ColourName, Palette } from "./palette.ts";
import { timeStep, timeTicks, valueTicks } from "./scale.ts";
import { colourOf, type Scene, type Span } from "./scene.ts";

/**
 * Draws a chart on uPlot's canvas: behind the lines the band, the cone, gaps and windows; then the lines, the part outside
 * the band, the bar under the axis, now, and the words. Canvas pixels throughout; `px` is one CSS pixel.
 */

/** Room around the plot, in CSS pixels: `left` holds the value labels, `bottom` the times and the bar. */
export const PADDING = { top: 12, right: 4, bottom: 21, left: 38 } as const;

const AXIS_LABEL_PX = 76;
const BAR_TOP_PX = 1;
const BAR_PX = 3;

interface Pen {
  readonly u: uPlot;
  readonly ctx: CanvasRenderingContext2D;
  readonly px: number;
  readonly box: uPlot.BBox;
  readonly colours: Palette;
  readonly x: (ms: number) => number;
  readonly y: (value: number) => number;
}

function penOf(u: uPlot, px: number, scene: Scene, colours: Palette): Pen {
  const { left, top, width, height } = u.bbox;
  const { fromMs, toMs, scale } = scene;
  const perMs = width / (toMs - fromMs);
  const perUnit = height / (scale.high - scale.low);
  const bottom = top + height;
  return {
    u,
    ctx: u.ctx,
    px,
    box: u.bbox,
    colours,
    x: (ms) => left + (ms - fromMs) * perMs,
    y: (value) => bottom - (Math.min(scale.high, Math.max(scale.low, value)) - scale.low) * perUnit,
  };
}

function clip(pen: Pen): void {
  const { ctx, box } = pen;
  ctx.beginPath();
  ctx.rect(box.left, box.top - 2 * pen.px, box.width, box.height + 2 * pen.px);
  ctx.clip();
}

function horizontal(pen: Pen, value: number, colour: ColourName): void {
  const { ctx, box, px } = pen;
  const y = Math.round(pen.y(value)) + (px % 2 ? 0.5 : 0);
  ctx.strokeStyle = pen.colours[colour];
  ctx.lineWidth = px;
  ctx.beginPath();
  ctx.moveTo(box.left, y);
  ctx.lineTo(box.left + box.width, y);
  ctx.stroke();
}

function vertical(pen: Pen, ms: number, colour: ColourName, dash: readonly number[] = []): void {
  const { ctx, box, px } = pen;
  const x = Math.round(pen.x(ms)) + 0.5;
  ctx.strokeStyle = pen.colours[colour];
  ctx.lineWidth = px;
  ctx.setLineDash(dash.map((part) => part * px));
  ctx.beginPath();
  ctx.moveTo(x, box.top - 4 * px);
  ctx.lineTo(x, box.top + box.height);
  ctx.stroke();
  ctx.setLineDash([]);
}

/** Text with a rim of the ground's colour, so that it stands on lines and hatching. */
function haloText(pen: Pen, scene: Scene, text: string, x: number, y: number, colour: ColourName): void {
  const { ctx, px } = pen;
  ctx.strokeStyle = pen.colours[scene.ground];
  ctx.lineWidth = 3 * px;
  ctx.lineJoin = "round";
  ctx.strokeText(text, x, y);
  ctx.fillStyle = pen.colours[colour];
  ctx.fillText(text, x, y);
}

/** The area between two columns over the rows; a row without both ends it and the next begins anew. */
function areaBetween(pen: Pen, x: Float64Array, upper: Float64Array, lower: Float64Array, start: number, end: number): Path2D {
  const path = new Path2D();
  const missing = (i: number): boolean => Number.isNaN(upper[i]) || Number.isNaN(lower[i]);
  for (let from = start; from < end; from++) {
    if (missing(from)) continue;
    let to = from;
    while (to + 1 < end && !missing(to + 1)) to++;
    path.moveTo(pen.x(x[from]), pen.y(upper[from]));
    for (let i = from + 1; i <= to; i++) path.lineTo(pen.x(x[i]), pen.y(upper[i]));
    for (let i = to; i >= from; i--) path.lineTo(pen.x(x[i]), pen.y(lower[i]));
    path.closePath();
    from = to;
  }
  return path;
}

function strokeColumn(pen: Pen, x: Float64Array, values: Float64Array, start: number, end: number): Path2D {
  const path = new Path2D();
  let down = false;
  for (let i = start; i < end; i++) {
    if (Number.isNaN(values[i])) {
      down = false;
      continue;
    }
    if (down) path.lineTo(pen.x(x[i]), pen.y(values[i]));
    else path.moveTo(pen.x(x[i]), pen.y(values[i]));
    down = true;
  }
  return path;
}

function hatch(pen: Pen, span: Span): void {
  const { ctx, box, px } = pen;
  const left = Math.max(box.left, pen.x(span.fromMs));
  const right = Math.min(box.left + box.width, pen.x(span.toMs));
  if (right - left < 1) return;
  ctx.save();
  ctx.beginPath();
  ctx.rect(left, box.top, right - left, box.height);
  ctx.clip();
  ctx.strokeStyle = pen.colours["chart-gap"];
  ctx.lineWidth = 1.5 * px;
  ctx.beginPath();
  const bottom = box.top + box.height;
  // From a grid of the canvas, not of the gap: the hatching stands still while the gap moves.
  const step = 7 * px;
  for (let x = Math.floor((left - box.height) / step) * step; x < right; x += step) {
    ctx.moveTo(x, bottom);
    ctx.lineTo(x + box.height, box.top);
  }
  ctx.stroke();
  ctx.restore();
}

/** The pauses in what is drawn, as the store knows them and as the data itself shows them. */
export function gapsOf(scene: Scene): Span[] {
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
    ctx.stroke(strokeColumn(pen, columns.x, columns.columns[index].value, columns.start, columns.end));
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
    ctx.stroke(strokeColumn(pen, columns.x, column.value, from, to + 1));
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
    const outside = index === scene.focus && (value > column.high[head] || value < column.low[head]);
    ctx.fillStyle = pen.colours[outside ? (scene.severity === "critical" ? "critical-line" : "attention-line") : colourOf(scene, index)];
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
    haloText(pen, scene, scene.note, box.left + 4 * px, box.top + 12 * px, "ink-quiet");
  }
}
