import { effect, untracked, useSignal } from "@preact/signals";
import { useEffect, useId, useRef } from "preact/hooks";
import { formatSentence } from "../format.ts";
import { announce } from "../state/announce.ts";
import { colours } from "../state/theme.ts";
import { words } from "../words.ts";
import { ChartCaption, ChartLegend } from "./caption.tsx";
import { ChartTable } from "./table.tsx";
import { cursorMs } from "./cursor.ts";
import { nextFrame } from "./frame.ts";
import type { ChartModel } from "./model.ts";
import { readPalette } from "./palette.ts";
import { PADDING } from "./pen.ts";
import { Plot } from "./plot.ts";
import type { Scene, Span } from "./scene.ts";
import { walk } from "./walk.ts";

/** What a chart shows of time, and what dragging does to it. Getters are read inside signal effects. */
export interface ChartTime {
  window(): Span;
  edgeMs(): number;
  edgeWord(): string;
  /** Linked with the page's other charts: one cursor, one range. */
  readonly linked: boolean;
  zoom?(fromMs: number, toMs: number): void;
  pan?(byMs: number): void;
  back?(): void;
}

export interface ChartProps {
  readonly model: ChartModel;
  readonly title: string;
  readonly sub?: string;
  readonly time: ChartTime;
  /** Height of the plot in CSS pixels. */
  readonly height: number;
  /** About how many steps the value axis has. */
  readonly parts?: number;
  /** The panel it shows, to be found by. */
  readonly panel?: string;
  readonly retry: () => void;
}

/** Drawn while within a screen of being seen. */
const NEAR = "400px 0px";
/** A live chart is drawn anew when it or its newest value moved this far, */
const MOVE_MIN_PX = 1;
/** and this often at most: every third tick. The caption has the value at once. */
const LIVE_MIN_MS = 2900;

/** A chart: caption, legend where there are several lines, the plot, and its table in the plot's place when asked for. */
export function Chart({ model, title, sub, time, height, parts = 2, panel, retry }: ChartProps) {
  const id = useId();
  const host = useRef<HTMLDivElement>(null);
  const asTable = useSignal(false);
  const own = useSignal<number | null>(null);
  const cursor = time.linked ? cursorMs : own;
  useEffect(() => attach(host.current!, model, time, cursor, height, parts), [model, time, height, parts]);

  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === "t" && !event.ctrlKey && !event.metaKey) {
      asTable.value = !asTable.value;
      return event.preventDefault();
    }
    if (asTable.value || !walk(event, model, cursor)) return;
    event.preventDefault();
    announce(model.spoken());
  };

  return (
    <figure class="chart" data-stop data-panel={panel} tabIndex={-1} aria-labelledby={`${id}-t`}>
      <ChartCaption id={`${id}-t`} model={model} title={title} sub={sub ?? ""} />
      <ChartLegend model={model} title={title} />
      <div class="plot-box">
        <div
          class="plot"
          ref={host}
          style={{ height: `${height + PADDING.top + PADDING.bottom}px` }}
          hidden={asTable.value}
          tabIndex={0}
          role="application"
          aria-roledescription={words.chart.kind}
          aria-labelledby={`${id}-t`}
          onKeyDown={onKeyDown}
          onBlur={() => (cursor.value = null)}
        />
        {asTable.value && (
          <ChartTable
            model={model}
            time={time}
            title={title}
            height={height + PADDING.top + PADDING.bottom}
            onKeyDown={onKeyDown}
          />
        )}
        {!asTable.value && <ChartMessage model={model} retry={retry} />}
        <button
          type="button"
          class="plain sm as-table"
          aria-pressed={asTable.value}
          onClick={() => (asTable.value = !asTable.value)}
        >
          {asTable.value ? words.chart.asChart : words.chart.table}
          <span class="unseen">: {title}</span>
        </button>
      </div>
    </figure>
  );
}

/** What stands in the plot's place while there is nothing to draw. */
function ChartMessage({ model, retry }: { model: ChartModel; retry: () => void }) {
  const state = model.state.value;
  if (state === "ready") return null;
  if (state !== "failed") return <p class="message q sm">{state === "loading" ? words.chart.loading : words.chart.empty}</p>;
  return (
    <div class="message sm">
      <p>
        <b class="att">{words.chart.failed}</b> {formatSentence(model.failure.value)} {words.chart.failedRest}
      </p>
      <button type="button" class="plain sm" onClick={retry}>
        {words.chart.again}
      </button>
    </div>
  );
}

/** Binds a plot to its model: draws when something changed and somebody can see it. Returns how to undo all of it. */
function attach(
  host: HTMLDivElement,
  model: ChartModel,
  time: ChartTime,
  cursor: { value: number | null },
  height: number,
  parts: number,
): () => void {
  let plot: Plot | null = null;
  let near = false;
  let drawn: { readonly scene: Scene; readonly mark: string; readonly head: number; readonly atMs: number } | null = null;

  /** Where the cursor was put last: one that is away needs not be put away every second. */
  let pointed: number | null = null;

  const draw = (): void => {
    if (!near || !model.width.peek()) return;
    plot ??= new Plot(host, host.clientWidth, height, {
      point: (ms) => (cursor.value = ms),
      zoom: (fromMs, toMs) => time.zoom?.(fromMs, toMs),
      pan: (byMs) => time.pan?.(byMs),
      back: () => time.back?.(),
    });
    const window = time.window();
    const mark = `${model.version.peek()} ${colours.peek()} ${model.chosen.peek()} ${model.width.peek()} ${Math.round(window.toMs - window.fromMs)}`;
    const word = time.edgeWord();
    const perPx = (window.toMs - window.fromMs) / model.width.peek();
    const changed =
      !drawn || drawn.mark !== mark || drawn.scene.edgeWord !== word || movedByHand(drawn.scene, window, time.edgeMs());
    if (changed || performance.now() - drawn!.atMs > LIVE_MIN_MS) {
      const scene = model.scene(window, time.edgeMs(), word, parts);
      const head = headHeight(scene, height);
      const moved =
        drawn !== null &&
        (Math.abs(window.fromMs - drawn.scene.fromMs) >= MOVE_MIN_PX * perPx || Math.abs(head - drawn.head) >= MOVE_MIN_PX);
      if (changed || moved) {
        plot.draw(scene, readPalette(colours.peek()));
        drawn = { scene, mark, head, atMs: performance.now() };
      }
    }
    const atMs = cursor.value;
    model.read(atMs);
    if (atMs !== null || pointed !== null) plot.point(atMs, atMs === null ? null : model.valueAt(atMs));
    pointed = atMs;
  };

  const seen = new IntersectionObserver(
    ([entry]) => {
      near = entry.isIntersecting;
      if (near) {
        model.width.value = host.clientWidth - PADDING.left - PADDING.right;
        nextFrame(draw);
      }
    },
    { rootMargin: NEAR },
  );
  const sized = new ResizeObserver(() => {
    if (!near || !host.clientWidth) return;
    model.width.value = host.clientWidth - PADDING.left - PADDING.right;
    plot?.resize(host.clientWidth, height);
    drawn = null;
    nextFrame(draw);
  });
  seen.observe(host);
  sized.observe(host);
  let edgeMs = 0;
  const stop = effect(() => {
    void [model.version.value, model.chosen.value, colours.value, cursor.value, time.window()];
    const ticked = time.edgeMs() !== edgeMs;
    edgeMs = time.edgeMs();
    // A tick draws at once, together with the words that it changes: one frame of the screen, not two.
    if (ticked) untracked(draw);
    else nextFrame(draw);
  });
  return () => {
    stop();
    seen.disconnect();
    sized.disconnect();
    plot?.destroy();
    plot = null;
    near = false;
  };
}

/** Whether the window was panned: it moved, and not along with now. */
function movedByHand(last: Scene, window: Span, edgeMs: number): boolean {
  return window.fromMs !== last.fromMs && Math.abs(window.fromMs - edgeMs - (last.fromMs - last.edgeMs)) > 1;
}

/** Where the newest value stands, in pixels from the axis' lower end, over all lines: changes when a line's end moves. */
function headHeight(scene: Scene, height: number): number {
  const { columns, scale } = scene;
  let sum = 0;
  for (const index of scene.shown) {
    const value = columns.columns[index].value[columns.end - 1];
    if (!Number.isNaN(value)) sum += ((value - scale.low) / (scale.high - scale.low)) * height;
  }
  return sum;
}
