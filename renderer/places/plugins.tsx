import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { AgentStatus, PluginReport } from "all-use-agent/sdk";
import { PanelChart } from "../chart/panel-chart.tsx";
import { formatDuration, formatNumber, formatQuantity } from "../format.ts";
import { AddPlugin } from "../parts/add-plugin.tsx";
import { Failures } from "../parts/failures.tsx";
import { lazy } from "../parts/lazy.tsx";
import { panelsOf } from "../parts/panel-section.tsx";
import { PluginTable } from "../parts/plugin-table.tsx";
import { RangeControl } from "../parts/range-control.tsx";
import { SafeMode } from "../parts/safe-mode.tsx";
import type { DetailProps } from "../plugin/detail.tsx";
import { cost, now, panels, plugins, status, watchPlugins } from "../state/agent.ts";
import { baseOf, countStates, inGroups, splitCost, wholeCost } from "../state/plugin-list.ts";
import { address, setParams } from "../state/router.ts";
import { words } from "../words.ts";

const Detail = lazy<DetailProps>(() => import("../plugin/detail.tsx"));

/** The details stand below the list; the style sheet breaks at the same width. */
const stacked = matchMedia("(max-width: 1199px)");

/** What the agent costs, each plugin's share and health, and everything that can be done with one. */
export function Plugins() {
  useEffect(() => watchPlugins(), []);
  const own = panelsOf(panels.value ?? [], "agent");
  const list = plugins.value;
  const chosen = address.value.params.plugin ?? "";
  const detail = useRef<HTMLElement>(null);
  const heading = useRef<HTMLHeadingElement>(null);
  const byHand = useSignal(false);
  const plugin = list?.find((one) => one.id === chosen) ?? list?.find((one) => baseOf(one.id) === baseOf(chosen));
  const opened = plugin && baseOf(plugin.id);

  // Where the details stand below the list, choosing one goes there; a linked one does not move the page.
  useEffect(() => {
    if (!byHand.value || !opened || !stacked.matches) return;
    detail.current?.scrollIntoView({ block: "start" });
    detail.current?.focus({ preventScroll: true });
  }, [opened]);

  const choose = (id: string | null): void => {
    byHand.value = true;
    const before = chosen;
    setParams({ plugin: id === null || id === chosen ? null : id }, true);
    // Closed: back to the row it was opened from, or to the list when that is gone.
    if (id === null) setTimeout(() => (rowOf(before) ?? heading.current)?.focus());
  };

  return (
    <div class="place">
      <Cost onInstalled={(id) => setParams({ plugin: id }, true)} />
      <SafeMode />
      <Failures />
      {own.length > 0 && (
        <div class="cost">
          {own.map((panel) => (
            <PanelChart key={panel.panel} panel={panel} height={72} />
          ))}
        </div>
      )}
      <div class={plugin ? "split" : "split alone"}>
        <section aria-labelledby="list">
          <div class="head">
            <h2 id="list" ref={heading} tabIndex={-1}>
              {words.plugins.list}
            </h2>
            {list && <span class="q">{countText(list)}</span>}
            <span class="end q sm">{words.plugins.order}</span>
          </div>
          {list && list.length > 0 && (
            <PluginTable groups={inGroups(list)} cost={cost.value} chosen={plugin ? chosen : ""} onChoose={choose} />
          )}
          {list?.length === 0 && (
            <p>
              <b>{words.plugins.empty}</b> {words.plugins.emptyHint}
            </p>
          )}
          {list && !list.some(({ origin }) => origin === "installed") && <MakeOne />}
        </section>
        {plugin && (
          <aside class="detail" aria-label={plugin.title} ref={detail} tabIndex={-1}>
            <Detail key={opened} chosen={chosen} onChoose={choose} />
          </aside>
        )}
      </div>
    </div>
  );
}

const rowOf = (id: string): HTMLElement | null => document.querySelector(`[data-plugin="${CSS.escape(id)}"]`);

function countText(list: readonly PluginReport[]): string {
  const { run, look, off } = countStates(list);
  return words.plugins.counts(run, look, off);
}

/** Nobody has one of their own yet: how to make one. */
function MakeOne() {
  return (
    <div class="make-one">
      <p>
        {words.plugins.make} <code class="mono">{words.plugins.makeCommand}</code>
      </p>
      <p class="q">{words.plugins.makeHint}</p>
    </div>
  );
}

function Cost({ onInstalled }: { onInstalled: (id: string) => void }) {
  const known = status.value;
  const list = plugins.value ?? [];
  const current = cost.value && wholeCost(cost.value, list);
  return (
    <header class="top">
      <div>
        <h1 tabIndex={-1}>
          {current
            ? words.plugins.title(cpuText(current), formatQuantity(current.residentBytes, "bytes"))
            : words.plugins.titleUnknown}
        </h1>
        {known && cost.value && (
          <p class="facts">
            {factsOf(known, cost.value, list, now.value).map((fact) => (
              <span key={fact.replace(/[\d.,]+/g, "")}>{fact}</span>
            ))}
          </p>
        )}
      </div>
      <div class="tools">
        <AddPlugin onInstalled={onInstalled} />
        <RangeControl />
      </div>
    </header>
  );
}

const cpuText = ({ cpuPercent }: AgentStatus["cost"]): string => `${formatNumber(cpuPercent, cpuPercent < 10 ? 1 : 0)}\u00a0%`;

function factsOf(
  { storage, startedMs, version, node }: AgentStatus,
  current: AgentStatus["cost"],
  list: readonly PluginReport[],
  nowMs: number,
): readonly string[] {
  const kept = storage.oldestMs === null ? null : formatDuration(nowMs - storage.oldestMs);
  const { pluginsBytes } = splitCost(current, list);
  return [
    ...(pluginsBytes === null ? [] : [words.plugins.ownProcesses(formatQuantity(pluginsBytes, "bytes"))]),
    words.plugins.disk(formatQuantity(current.diskBytes, "bytes"), kept),
    words.plugins.samples(formatNumber(storage.samplesPerSecond), formatNumber(storage.series)),
    words.plugins.delay(formatQuantity(current.eventLoopDelayP99Ms, "milliseconds")),
    words.plugins.since(formatDuration(nowMs - startedMs)),
    words.plugins.runs_(version, node.replace(/^v/, "")),
  ];
}
