import { useComputed } from "@preact/signals";
import { Cards } from "../parts/card.tsx";
import { DayStrip } from "../parts/day.tsx";
import { Failures } from "../parts/failures.tsx";
import { PanelSection, panelsOf } from "../parts/panel-section.tsx";
import { RangeControl } from "../parts/range-control.tsx";
import { TruthLine } from "../parts/truth.tsx";
import { cost, findings, newestSampleMs, now, panels, plugins, recommendations, stale, status } from "../state/agent.ts";
import { wholeCost } from "../state/plugin-list.ts";
import { placeHref } from "../state/router.ts";
import { connection } from "../state/stream.ts";
import { openAdvice, tellTruth } from "../state/truth.ts";
import { words } from "../words.ts";

const CARDS_MAX = 3;

/** Is anything wrong, why, what to do, what comes next. */
export function Now() {
  const old = useComputed(() => stale.value || connection.value === "lost");
  return (
    <div class={old.value ? "place stale" : "place"}>
      <Truth />
      <Failures />
      <TopCards />
      <DayStrip />
      <Machine />
    </div>
  );
}

function Truth() {
  const truth = tellTruth({
    connection: connection.value,
    nowMs: now.value,
    status: status.value,
    cost: cost.value && wholeCost(cost.value, plugins.value ?? []),
    newestSampleMs: newestSampleMs.value,
    stale: stale.value,
    recommendations: recommendations.value ?? [],
    findings: findings.value ?? [],
    plugins: plugins.value ?? [],
  });
  return (
    <TruthLine truth={truth}>
      <RangeControl />
    </TruthLine>
  );
}

function TopCards() {
  const open = openAdvice(recommendations.value ?? []);
  if (open.length === 0) return null;
  return (
    <section class="first" aria-label={words.cards.label}>
      <Cards list={open.slice(0, CARDS_MAX)} />
      {open.length > CARDS_MAX && (
        <p class="more">
          <a href={placeHref("advice")}>{words.cards.more(open.length - CARDS_MAX)}</a>
        </p>
      )}
    </section>
  );
}

/** A grid's height while the list of charts is on its way, so that nothing jumps when it comes. */
const PLACEHOLDERS = 6;

function Machine() {
  const list = panels.value;
  if (list === null) {
    return (
      <section aria-labelledby="machine" aria-busy="true">
        <div class="head">
          <h2 id="machine">{words.sections.machine}</h2>
        </div>
        <div class="grid">
          {Array.from({ length: PLACEHOLDERS }, (_, i) => (
            <div key={i} class="chart placeholder" />
          ))}
        </div>
      </section>
    );
  }
  const machine = panelsOf(list, "machine");
  const accounts = panelsOf(list, "accounts");
  return (
    <>
      {newestSampleMs.value === null && status.value !== null && <Empty />}
      {machine.length > 0 && <PanelSection id="machine" panels={machine} />}
      {accounts.length > 0 && <PanelSection id="accounts" panels={accounts} />}
      {list.length === 0 && newestSampleMs.value !== null && (
        <section>
          <p class="q">
            {words.empty.noPanels} <a href={placeHref("plugins")}>{words.truth.seePlugins}</a>
          </p>
        </section>
      )}
    </>
  );
}

function Empty() {
  return (
    <section>
      <p>
        <b>{words.empty.title}</b> {words.empty.body}
      </p>
    </section>
  );
}
