/** Colours for canvases, read from the tokens. A custom property still says `light-dark(…)`; a probe's `color` has it resolved. */

const NAMES = [
  "ground",
  "surface",
  "ink",
  "ink-quiet",
  "rule",
  "accent",
  "attention",
  "attention-line",
  "attention-ground",
  "critical",
  "critical-line",
  "critical-ground",
  "chart-line",
  "chart-band",
  "chart-band-edge",
  "chart-forecast",
  "chart-cone",
  "chart-cone-edge",
  "chart-grid",
  "chart-now",
  "chart-gap",
  "series-1",
  "series-2",
  "series-3",
  "series-4",
  "series-5",
  "series-6",
  "series-7",
  "series-8",
] as const;

export type ColourName = (typeof NAMES)[number];
export type Palette = Readonly<Record<ColourName, string>> & { readonly font: string };

let cached: { readonly version: number; readonly palette: Palette } | null = null;

/** The colours as they are now; read anew when `version` changes. */
export function readPalette(version: number): Palette {
  if (cached?.version === version) return cached.palette;
  const probe = document.createElement("span");
  probe.hidden = true;
  document.body.append(probe);
  const style = getComputedStyle(probe);
  const entries = NAMES.map((name) => {
    probe.style.color = `var(--${name})`;
    return [name, style.color];
  });
  const palette = { ...Object.fromEntries(entries), font: `12px ${style.fontFamily}` } as Palette;
  probe.remove();
  cached = { version, palette };
  return palette;
}

/** How many lines a chart tells apart. */
export const MAX_LINES = 8;

export const lineColour = (index: number): ColourName => `series-${(index % MAX_LINES) + 1}` as ColourName;
