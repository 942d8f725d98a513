import uPlot from "uplot";
import { drawBehind } from "./draw-behind.ts";
import { drawInFront } from "./draw-front.ts";
import type { Palette } from "./palette.ts";
import { PADDING } from "./pen.ts";
import type { Scene } from "./scene.ts";

export interface PlotEvents {
  /** The pointer is at a time, or has left (null). */
  point(timeMs: number | null): void;
  zoom(fromMs: number, toMs: number): void;
  /** Moved by so much while dragging with shift. */
  pan(byMs: number): void;
  back(): void;
}

/** A drag shorter than this is a click. */
const DRAG_MIN_PX = 6;

/**
 * One uPlot that shows whatever scene it is given: it has the canvas, the scales, the cursor and the dragging. What is
 * shown, and when, is decided outside. `draw` may be called as often as wanted; between calls it costs nothing.
 */
export class Plot {
  private readonly u: uPlot;
  private readonly marker: HTMLElement;
  private readonly abort = new AbortController();
  private scene: Scene | null = null;
  private palette: Palette | null = null;
  private events: PlotEvents;

  constructor(host: HTMLElement, width: number, height: number, events: PlotEvents) {
    this.events = events;
    this.u = new uPlot(
      {
        width,
        height: height + PADDING.top + PADDING.bottom,
        ms: 1,
        padding: [PADDING.top, PADDING.right, PADDING.bottom, PADDING.left],
        axes: [{ show: false }, { show: false }],
        legend: { show: false },
        scales: {
          x: { time: false, auto: false, range: (_u, min, max) => [min, max] },
          y: { auto: false, range: (_u, min, max) => [min, max] },
        },
        cursor: { y: false, points: { show: false }, drag: { x: true, y: false, setScale: false, dist: DRAG_MIN_PX } },
        series: [{}],
        hooks: {
          drawClear: [() => this.scene && this.palette && drawBehind(this.u, uPlot.pxRatio, this.scene, this.palette)],
          draw: [() => this.scene && this.palette && drawInFront(this.u, uPlot.pxRatio, this.scene, this.palette)],
          setSelect: [() => this.selected()],
        },
      },
      [new Float64Array(0)],
      host,
    );
    this.marker = document.createElement("span");
    this.marker.className = "marker";
    this.marker.hidden = true;
    this.u.over.append(this.marker);
    this.listen();
  }

  /** Shows the scene. The scene must stay as it is until the next call. */
  draw(scene: Scene, palette: Palette): void {
    this.scene = scene;
    this.palette = palette;
    const { columns, fromMs, toMs, scale } = scene;
    this.u.batch(() => {
      // Time alone: the lines, whose missing rows are NaN where uPlot wants null, are drawn by us.
      this.u.setData([columns.x.subarray(columns.start, columns.end)], false);
      this.u.setScale("y", { min: scale.low, max: scale.high });
      this.u.setScale("x", { min: fromMs, max: toMs });
    });
  }

  resize(width: number, height: number): void {
    this.u.setSize({ width, height: height + PADDING.top + PADDING.bottom });
  }

  /** Puts the cursor's line at a time and its dot at a value; null takes them away. */
  point(timeMs: number | null, value: number | null): void {
    const { scene, u } = this;
    if (timeMs === null || !scene || timeMs < scene.fromMs || timeMs > scene.toMs) {
      u.setCursor({ left: -10, top: -10 }, false);
      this.marker.hidden = true;
      return;
    }
    const left = u.valToPos(timeMs, "x");
    u.setCursor({ left, top: 0 }, false);
    this.marker.hidden = value === null || Number.isNaN(value);
    if (value !== null) this.marker.style.transform = `translate(${left}px, ${u.valToPos(value, "y")}px)`;
  }

  destroy(): void {
    this.abort.abort();
    this.u.destroy();
  }

  private selected(): void {
    const { left, width } = this.u.select;
    if (width < DRAG_MIN_PX) return;
    const fromMs = this.u.posToVal(left, "x");
    const toMs = this.u.posToVal(left + width, "x");
    this.u.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
    this.events.zoom(fromMs, toMs);
  }

  private listen(): void {
    const { over } = this.u;
    const { signal } = this.abort;
    let panAt: number | null = null;
    const timeAt = (event: PointerEvent): number => this.u.posToVal(event.clientX - over.getBoundingClientRect().left, "x");
    over.addEventListener(
      "pointermove",
      (event) => (panAt === null ? this.events.point(timeAt(event)) : this.panTo(panAt, timeAt(event))),
      { signal },
    );
    over.addEventListener("pointerleave", () => this.events.point(null), { signal });
    // Before uPlot hears of it: with shift held the drag moves the time instead of marking a part.
    over.addEventListener(
      "mousedown",
      (event) => {
        if (event.shiftKey) event.stopImmediatePropagation();
      },
      { signal, capture: true },
    );
    over.addEventListener(
      "pointerdown",
      (event) => {
        if (!event.shiftKey) return;
        panAt = timeAt(event);
        over.setPointerCapture(event.pointerId);
      },
      { signal },
    );
    const end = (): void => void (panAt = null);
    over.addEventListener("pointerup", end, { signal });
    over.addEventListener("pointercancel", end, { signal });
    over.addEventListener("dblclick", () => this.events.back(), { signal });
  }

  private panTo(heldMs: number, atMs: number): void {
    if (heldMs !== atMs) this.events.pan(heldMs - atMs);
  }
}
