import type uPlot from "uplot";
import type { ColourName, Palette } from "./palette.ts";
import type { Scene, Span } from "./scene.ts";

/** What the drawing of a chart is made of. Canvas pixels throughout; `px` is one CSS pixel. */

/** Room around the plot, in CSS pixels: `left` holds the value labels, `bottom` the times and the bar. */
export const PADDING = { top: 12, right: 4, bottom: 21, left: 38 } as const;

export interface Pen {
  readonly ctx: CanvasRenderingContext2D;
  readonly px: number;
  readonly box: uPlot.BBox;
  readonly colours: Palette;
  readonly x: (ms: number) => number;
  readonly y: (value: number) => number;
}

export function penOf(u: uPlot, px: number, scene: Scene, colours: Palette): Pen {
  const { left, top, width, height } = u.bbox;
  const { fromMs, toMs, scale } = scene;
  const perMs = width / (toMs - fromMs);
  const perUnit = height / (scale.high - scale.low);
  const bottom = top + height;
  return {
    ctx: u.ctx,
    px,
    box: u.bbox,
    colours,
    x: (ms) => left + (ms - fromMs) * perMs,
    y: (value) => bottom - (Math.min(scale.high, Math.max(scale.low, value)) - scale.low) * perUnit,
  };
}

export function clip(pen: Pen): void {
  const { ctx, box } = pen;
  ctx.beginPath();
  ctx.rect(box.left, box.top - 2 * pen.px, box.width, box.height + 2 * pen.px);
  ctx.clip();
}

export function horizontal(pen: Pen, value: number, colour: ColourName): void {
  const { ctx, box, px } = pen;
  const y = Math.round(pen.y(value)) + (px % 2 ? 0.5 : 0);
  ctx.strokeStyle = pen.colours[colour];
  ctx.lineWidth = px;
  ctx.beginPath();
  ctx.moveTo(box.left, y);
  ctx.lineTo(box.left + box.width, y);
  ctx.stroke();
}

export function vertical(pen: Pen, ms: number, colour: ColourName): void {
  const { ctx, box, px } = pen;
  const x = Math.round(pen.x(ms)) + 0.5;
  ctx.strokeStyle = pen.colours[colour];
  ctx.lineWidth = px;
  ctx.beginPath();
  ctx.moveTo(x, box.top - 4 * px);
  ctx.lineTo(x, box.top + box.height);
  ctx.stroke();
}

/** Text with a rim of the ground's colour, so that it stands on lines and hatching. */
export function haloText(pen: Pen, scene: Scene, text: string, x: number, y: number, colour: ColourName): void {
  const { ctx, px } = pen;
  ctx.strokeStyle = pen.colours[scene.ground];
  ctx.lineWidth = 3 * px;
  ctx.lineJoin = "round";
  ctx.strokeText(text, x, y);
  ctx.fillStyle = pen.colours[colour];
  ctx.fillText(text, x, y);
}

/** The area between two columns over the rows; a row without both ends it and the next begins anew. */
export function areaBetween(
  pen: Pen,
  x: Float64Array,
  upper: Float64Array,
  lower: Float64Array,
  start: number,
  end: number,
): Path2D {
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

/** Points a stroke: a browser that draws in software takes four times as long over one long jagged path as over its pieces. */
const PIECE = 20;

/** Strokes a column over the rows in the context's own style; a missing row tears the line. */
export function strokeColumn(pen: Pen, x: Float64Array, values: Float64Array, start: number, end: number): void {
  const { ctx } = pen;
  let points = 0;
  for (let i = start; i < end; i++) {
    if (Number.isNaN(values[i])) {
      if (points > 1) ctx.stroke();
      points = 0;
      continue;
    }
    const left = pen.x(x[i]);
    const top = pen.y(values[i]);
    if (points === 0) {
      ctx.beginPath();
      ctx.moveTo(left, top);
    } else ctx.lineTo(left, top);
    points++;
    if (points <= PIECE) continue;
    ctx.stroke();
    ctx.beginPath();
    ctx.moveTo(left, top);
    points = 1;
  }
  if (points > 1) ctx.stroke();
}

export function hatch(pen: Pen, span: Span): void {
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
