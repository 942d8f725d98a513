import type { RecommendationReport } from "all-use-agent/sdk";
import { formatFull, formatMoment } from "../format.ts";
import { Cards } from "../parts/card.tsx";
import { Failures } from "../parts/failures.tsx";
import { now, recommendations } from "../state/agent.ts";
import { openAdvice } from "../state/truth.ts";
import { words } from "../words.ts";

/** All advice: what is open with its evidence, and what became of the rest. */
export function Advice() {
  const list = recommendations.value ?? [];
  const open = openAdvice(list);
  const before = list.filter((one) => one.status !== "open");
  return (
    <div class="place">
      <header class="top">
        <div>
          <h1 tabIndex={-1}>{open.length ? words.advice.open(open.length) : words.advice.none}</h1>
          <p class="facts">
            <span>{words.advice.facts}</span>
          </p>
        </div>
      </header>
      <Failures />
      {open.length > 0 && <Cards list={open} />}
      <section aria-labelledby="before">
        <div class="head">
          <h2 id="before">{words.advice.history}</h2>
          <span class="q">{words.advice.historyHint}</span>
        </div>
        {before.length === 0 ? <p class="q">{words.advice.noHistory}</p> : <History list={before} />}
      </section>
    </div>
  );
}

function History({ list }: { list: readonly RecommendationReport[] }) {
  const { when, what, status, decision } = words.advice.heads;
  const nowMs = now.peek();
  return (
    <table class="history">
      <thead>
        <tr>
          <th scope="col">{when}</th>
          <th scope="col">{what}</th>
          <th scope="col">{status}</th>
          <th scope="col">{decision}</th>
        </tr>
      </thead>
      <tbody>
        {list.map((one) => (
          <tr key={one.id}>
            <td class="when q" title={formatFull(one.updatedMs)}>
              {formatMoment(one.updatedMs, nowMs)}
            </td>
            <td>{one.title}</td>
            <td>{words.advice.status[one.status]}</td>
            <td class="q">{one.decision}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
