import type { PluginLogReport } from "all-use-agent/sdk";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { formatClockSeconds, formatFull, formatMoment, formatSentence } from "../format.ts";
import { now } from "../state/agent.ts";
import { connection } from "../state/stream.ts";
import { pluginWords } from "../words-plugin.ts";
import { readLog, reasonOf } from "./door.ts";

const { log: words } = pluginWords;

const EVERY_MS = 2000;
/** So near to its end a list of lines follows the newest. */
const END_PX = 24;

/** What it wrote: each kind of error once, then the newest lines, followed while open. */
export function Log({ id, instance, open }: { id: string; instance: string; open: boolean }) {
  const [shown, setShown] = useState(open);
  return (
    <details class="log-part" open={shown} onToggle={(event) => setShown(event.currentTarget.open)}>
      <summary>
        <h3>{words.title}</h3>
      </summary>
      {shown && <OpenLog id={id} instance={instance} />}
    </details>
  );
}

function OpenLog({ id, instance }: { id: string; instance: string }) {
  const [log, setLog] = useState<PluginLogReport | null>(null);
  const [failed, setFailed] = useState("");
  const [paused, setPaused] = useState(false);

  useEffect(() => {
    if (paused) return undefined;
    const abort = new AbortController();
    const read = (): void => {
      readLog(id, instance, abort.signal).then(
        (found) => {
          setLog(found);
          setFailed("");
        },
        (error: unknown) => abort.signal.aborted || setFailed(words.failed(formatSentence(reasonOf(error)))),
      );
    };
    read();
    const timer = setInterval(() => !document.hidden && connection.peek() === "live" && read(), EVERY_MS);
    return () => {
      abort.abort();
      clearInterval(timer);
    };
  }, [id, instance, paused]);

  return (
    <div class="log">
      {failed && (
        <p class="att" role="status">
          {failed}
        </p>
      )}
      {log && log.errors.length > 0 && <Errors errors={log.errors} />}
      {log && log.lines.length === 0 && <p class="q">{words.empty}</p>}
      {log && log.lines.length > 0 && (
        <>
          <div class="head-line">
            <h4>
              {words.lines} <span class="q">{paused ? words.paused : words.live}</span>
            </h4>
            <button type="button" class="plain" aria-pressed={paused} onClick={() => setPaused(!paused)}>
              {paused ? words.resume : words.pause}
            </button>
          </div>
          <Lines lines={log.lines} />
        </>
      )}
    </div>
  );
}

function Errors({ errors }: { errors: PluginLogReport["errors"] }) {
  const nowMs = now.peek();
  return (
    <table class="errors">
      <caption>{words.errors}</caption>
      <thead>
        <tr>
          <th scope="col" class="n">
            {words.heads.count}
          </th>
          <th scope="col">{words.heads.message}</th>
          <th scope="col" class="n">
            {words.heads.last}
          </th>
        </tr>
      </thead>
      <tbody>
        {errors.map((error) => (
          <tr key={`${error.code} ${error.message}`}>
            <td class="n">{words.times(error.count)}</td>
            <td>
              {error.message} <span class="q sm mono">{error.code}</span>
            </td>
            <td class="n q" title={words.span(formatFull(error.firstMs), formatFull(error.lastMs))}>
              {formatMoment(error.lastMs, nowMs)}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Lines({ lines }: { lines: PluginLogReport["lines"] }) {
  const box = useRef<HTMLDivElement>(null);
  const atEnd = useRef(true);
  // Whoever scrolled up reads; only who stands at the end is taken along.
  useLayoutEffect(() => {
    if (atEnd.current && box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [lines]);
  return (
    <div
      ref={box}
      class="lines mono"
      role="region"
      aria-label={words.lines}
      tabIndex={0}
      onScroll={({ currentTarget: { scrollHeight, scrollTop, clientHeight } }) =>
        (atEnd.current = scrollHeight - scrollTop - clientHeight < END_PX)
      }
    >
      {lines.map((line, i) => (
        <p key={`${line.timeMs} ${i}`} class={line.level === "error" ? "cri" : line.level === "warn" ? "att" : ""}>
          <time class="q" dateTime={new Date(line.timeMs).toISOString()} title={formatFull(line.timeMs)}>
            {formatClockSeconds(line.timeMs)}
          </time>{" "}
          {line.level !== "info" && `${words.level[line.level] ?? line.level}: `}
          {line.message}
        </p>
      ))}
    </div>
  );
}
