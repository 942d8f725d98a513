import { useComputed, useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { dayAround, formatClock, formatDay, formatDuration, formatSentence } from "../format.ts";
import { edge, findings, gaps, stale } from "../state/agent.ts";
import { dayMarks, type Mark } from "../state/day.ts";
import { between, setRange } from "../state/range.ts";
import { connection } from "../state/stream.ts";
import { words } from "../words.ts";

const HOURS = [0, 3, 6, 9, 12, 15, 18, 21, 24];
const HOUR_MS = 3_600_000;
/** Hours printed this close to the word "now" give way to it, in parts of the day. */
const NOW_ROOM = 0.035;
/** The same where the page is narrow. */
const NOW_ROOM_NARROW = 0.21;
/** What is shown around a mark when going there. */
const AROUND = 0.5;
const AROUND_MIN_MS = 5 * 60_000;

/** The day as a strip: what was found, what changed, when nothing was recorded. */
export function DayStrip() {
  // The strip moves by the minute; a second is a hundredth of a pixel.
  const minute = useComputed(() => Math.floor(edge.value / 60_000) * 60_000);
  const day = dayAround(minute.value);
  const marks = dayMarks(findings.value ?? [], gaps.value ?? [], day.fromMs, day.toMs, minute.value);
  const selected = useSignal<string | null>(null);
  const strip = useRef<HTMLDivElement>(null);
  const lanes: Mark["lane"][] = marks.some((mark) => mark.lane === "changes")
    ? ["incidents", "changes", "gaps"]
    : ["incidents", "gaps"];
  const current =
    marks.find((mark) => mark.id === selected.value) ??
    marks.findLast((mark) => mark.finding !== null) ??
    marks[marks.length - 1];
  const part = (ms: number): number => (Math.min(day.toMs, Math.max(day.fromMs, ms)) - day.fromMs) / (day.toMs - day.fromMs);

  const onKeyDown = (event: KeyboardEvent): void => {
    const by = { ArrowLeft: -1, ArrowRight: 1, Home: -marks.length, End: marks.length }[event.key];
    if (by === undefined || marks.length === 0) return;
    event.preventDefault();
    const here = current ? marks.indexOf(current) : 0;
    const next = Math.min(marks.length - 1, Math.max(0, here + by));
    selected.value = marks[next].id;
    strip.current
      ?.querySelectorAll<HTMLElement>("[data-mark]")
      .forEach((element) => element.dataset.mark === marks[next].id && element.focus());
  };

  return (
    <section aria-labelledby="day">
      <div class="head">
        <h2 id="day">{words.day.title}</h2>
        <span class="q">{formatDay(minute.value)}</span>
        {marks.length > 0 && <span class="end q sm">{words.day.hint}</span>}
      </div>
      <div class="lanes" ref={strip} role="group" aria-label={words.day.marks(marks.length)} onKeyDown={onKeyDown}>
        {lanes.map((lane) => (
          <Lane key={lane} lane={lane} marks={marks} current={current} chosen={selected} part={part} nowMs={minute.value} />
        ))}
        <span />
        <div class="hours" aria-hidden="true">
          {HOURS.map((hour) => {
            const at = part(day.fromMs + hour * HOUR_MS);
            const fromNow = Math.abs(at - part(minute.value));
            if (fromNow < NOW_ROOM) return null;
            const place = hour === 0 ? "first" : hour === 24 ? "last" : hour % 6 ? "odd" : "";
            return (
              <span
                key={hour}
                class={fromNow < NOW_ROOM_NARROW ? `${place} near` : place}
                style={{ left: `${hour === 24 ? 100 : at * 100}%` }}
              >
                {hour === 24 ? "24:00" : formatClock(day.fromMs + hour * HOUR_MS)}
              </span>
            );
          })}
          <span class="ink" style={{ left: `${part(minute.value) * 100}%` }}>
            {stale.value || connection.value === "lost" ? formatClock(minute.value) : words.day.now}
          </span>
        </div>
        <div class="nowlane" aria-hidden="true">
          <i style={{ left: `${part(minute.value) * 100}%` }} />
        </div>
      </div>
      <p class="said">{current ? <Said mark={current} /> : <span class="q">{words.day.nothing}</span>}</p>
    </section>
  );
}

interface LaneProps {
  readonly lane: Mark["lane"];
  readonly marks: readonly Mark[];
  readonly current: Mark | undefined;
  readonly chosen: { value: string | null };
  readonly part: (ms: number) => number;
  readonly nowMs: number;
}

function Lane({ lane, marks, current, chosen, part, nowMs }: LaneProps) {
  return (
    <>
      <span class="name">{words.day[lane]}</span>
      <div class="lane">
        {marks
          .filter((mark) => mark.lane === lane)
          .map((mark) => (
            <button
              type="button"
              key={mark.id}
              data-mark={mark.id}
              class={markClass(mark)}
              // One stop for Tab; the arrows do the rest.
              tabIndex={mark === current ? 0 : -1}
              aria-label={said(mark)}
              style={{ left: `${part(mark.fromMs) * 100}%`, width: `${(part(mark.toMs ?? nowMs) - part(mark.fromMs)) * 100}%` }}
              onFocus={() => (chosen.value = mark.id)}
              onPointerEnter={() => (chosen.value = mark.id)}
              onClick={() => goThere(mark, nowMs)}
            />
          ))}
      </div>
    </>
  );
}

function markClass(mark: Mark): string {
  const look =
    mark.lane === "gaps"
      ? "off"
      : mark.lane === "changes"
        ? "tick"
        : mark.severity === "critical"
          ? "bar critical"
          : mark.severity === "attention"
            ? "bar"
            : "bar quiet";
  return mark.half ? `${look} ${mark.half}` : look;
}

function goThere(mark: Mark, nowMs: number): void {
  const toMs = mark.toMs ?? nowMs;
  const room = Math.max(AROUND_MIN_MS, AROUND * (toMs - mark.fromMs));
  setRange(between(mark.fromMs - room, toMs + room));
}

/** When and what, as one text. */
function said(mark: Mark): string {
  const what = mark.finding ? words.day.finding[mark.finding.kind] : words.day.gap;
  return `${formatClock(mark.fromMs)} ${what}. ${formatSentence(mark.reason)}`;
}

function Said({ mark }: { mark: Mark }) {
  const what = mark.finding ? words.day.finding[mark.finding.kind] : words.day.gap;
  const length =
    mark.toMs === null
      ? words.day.ongoing(formatClock(mark.fromMs))
      : mark.toMs - mark.fromMs < 1000
        ? ""
        : words.day.lasted(formatDuration(mark.toMs - mark.fromMs));
  return (
    <>
      <b>
        {formatClock(mark.fromMs)} {what}.
      </b>{" "}
      {formatSentence(mark.reason)} <span class="q">{length}</span>
    </>
  );
}
