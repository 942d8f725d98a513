import type { ChartModel } from "./model.ts";
import { words } from "../words.ts";

interface CaptionProps {
  readonly id: string;
  readonly model: ChartModel;
  readonly title: string;
  readonly sub: string;
}

/** What, of what, how much now, what is usual. */
export function ChartCaption({ id, model, title, sub }: CaptionProps) {
  return (
    <figcaption>
      <b id={id} class="name">
        {title}
      </b>
      {sub && (
        <span class="sub" title={sub}>
          {sub}
        </span>
      )}
      <CaptionValue model={model} />
    </figcaption>
  );
}

/** Apart from the rest: the only part that changes every second. */
function CaptionValue({ model }: { model: ChartModel }) {
  const { value, unit, note, outside } = model.reading.value;
  return (
    <>
      <span class="val">
        {value && <b class={outside ? meaning(model) : ""}>{value}</b>} {value && <i>{unit}</i>}
      </span>
      {note && <span class="usual">{note}</span>}
    </>
  );
}

const meaning = (model: ChartModel): string => (model.severity === "critical" ? "cri" : "att");

/** Names of several lines with their values; each can be chosen to see its band and its forecast. */
export function ChartLegend({ model, title }: { model: ChartModel; title: string }) {
  const { lines, more } = model.reading.value;
  const chosen = model.focus();
  if (lines.length === 0) return null;
  return (
    <ul class="legend" aria-label={words.chart.lines(title)}>
      {lines.map(({ index, name, value, unit, outside }, place) => (
        <li key={index}>
          <button
            type="button"
            aria-pressed={chosen === index}
            onClick={() => (model.chosen.value = chosen === index ? -1 : index)}
          >
            <span class={`swatch ${chosen === index ? "swatch-ink" : chosen >= 0 ? "swatch-grey" : `swatch-${place + 1}`}`} />
            <span class="name" title={name}>
              {name}
            </span>{" "}
            <span class={outside ? meaning(model) : ""}>{value}</span> <span class="q">{unit}</span>
          </button>
        </li>
      ))}
      {more > 0 && <li class="q more">{words.chart.more(more)}</li>}
    </ul>
  );
}
