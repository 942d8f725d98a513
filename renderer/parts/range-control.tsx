import { formatClock, formatClockSeconds, formatDuration, formatMoment } from "../format.ts";
import { edge, stale } from "../state/agent.ts";
import { aheadMs, live, range, resume, setRange, SPANS, toggleLive } from "../state/range.ts";
import { connection } from "../state/stream.ts";
import { words } from "../words.ts";

const nameOf = (word: string): string => words.range.withAhead(words.range.last[word], formatDuration(aheadMs(SPANS[word])));

/** The stretch that stands still, in words. */
function betweenText(fromMs: number, toMs: number, nowMs: number): string {
  const clock = toMs - fromMs < 10 * 60_000 ? formatClockSeconds : formatClock;
  const sameDay =
    new Date(fromMs).toDateString() === new Date(toMs).toDateString() &&
    new Date(toMs).toDateString() === new Date(nowMs).toDateString();
  return sameDay
    ? words.range.between(clock(fromMs), clock(toMs))
    : words.range.between(formatMoment(fromMs, nowMs), formatMoment(toMs, nowMs));
}

/** Time is one thing: what every chart of the page shows, and whether it moves. */
export function RangeControl() {
  const shown = range.value;
  const fixed = shown.kind === "between";
  const current = fixed ? "" : (Object.keys(SPANS).find((word) => SPANS[word] === shown.spanMs) ?? "");
  const waiting = stale.value || connection.value === "lost";
  return (
    <div class="range">
      <span class="select">
        <select
          aria-label={words.range.label}
          value={current}
          onChange={(event) => {
            const spanMs = SPANS[event.currentTarget.value];
            if (spanMs) setRange({ kind: "last", spanMs });
          }}
        >
          {fixed && <option value="">{betweenText(shown.fromMs, shown.toMs, edge.peek())}</option>}
          {Object.keys(SPANS).map((word) => (
            <option key={word} value={word}>
              {nameOf(word)}
            </option>
          ))}
        </select>
      </span>
      <button
        type="button"
        aria-pressed={live.value}
        title={words.range.liveHint}
        onClick={() => (live.value ? toggleLive(edge.peek()) : resume())}
      >
        {live.value && waiting ? words.range.waiting : words.range.live}
        <kbd aria-hidden="true">.</kbd>
      </button>
    </div>
  );
}
