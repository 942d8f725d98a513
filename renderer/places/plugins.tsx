import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { AgentStatus, PluginReport } from "all-use-agent/sdk";
import { PanelChart } from "../chart/panel-chart.tsx";
import { formatDuration, formatNumber, formatQuantity } from "../format.ts";
import { Failures } from "../parts/failures.tsx";
import { panelsOf } from "../parts/panel-section.tsx";
import { PluginDetail } from "../parts/plugin-detail.tsx";
import { PluginTable } from "../parts/plugin-table.tsx";
import { RangeControl } from "../parts/range-control.tsx";
import { cost, now, panels, plugins, status, watchPlugins } from "../state/agent.ts";
import { inOrder, countStates } from "../state/plugin-list.ts";
import { address, setParams } from "../state/router.ts";
import { words } from "../words.ts";

/** What the agent costs, and each plugin's share and health. */
export function Plugins() {
  useEffect(() => watchPlugins(), []);
  const own = panelsOf(panels.value ?? [], "agent");
  const list = plugins.value;
  const chosen = address.value.params.plugin ?? "";
  const detail = useRef<HTMLElement>(null);
  const byHand = useSignal(false);
  const plugin = list?.find((one) => one.id === chosen);

  // Where the details stand below the list, choosing one goes there; a linked one does not move the page.
  useEffect(() => {
    if (byHand.value && plugin) detail.current?.scrollIntoView({ block: "nearest" });
  }, [chosen]);

  const choose = (id: string): void => {
    byHand.value = true;
    setParams({ plugin: id === chosen ? null : id }, true);
  };

  return (
    <div class="place">
      <Cost />
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
            <h2 id="list">{words.plugins.list}</h2>
            {list && <span class="q">{countText(list)}</span>}
            <span class="end q sm">{words.plugins.order}</span>
          </div>
          {list?.length === 0 ? (
            <p>
              <b>{words.plugins.empty}</b> {words.plugins.emptyHint}
            </p>
          ) : (
            <PluginTable plugins={inOrder(list ?? [])} cost={cost.value} chosen={chosen} onChoose={choose} />
          )}
        </section>
        {plugin && (
          <aside class="detail" aria-label={plugin.title} ref={detail}>
            <PluginDetail plugin={plugin} onClose={() => setParams({ plugin: null }, true)} />
          </aside>
        )}
      </div>
    </div>
  );
}

function countText(list: readonly PluginReport[]): string {
  const { run, look, off } = countStates(list);
  return words.plugins.counts(run, look, off);
}

function Cost() {
  const known = status.value;
  const current = cost.value;
  return (
    <header class="top">
      <div>
        <h1 tabIndex={-1}>
          {current
            ? words.plugins.title(cpuText(current), formatQuantity(current.residentBytes, "bytes"))
            : words.plugins.titleUnknown}
        </h1>
        {known && current && (
          <p class="facts">
            {factsOf(known, current, now.value).map((fact) => (
              <span key={fact.replace(/[\d.,]+/g, "")}>{fact}</span>
            ))}
          </p>
        )}
      </div>
      <RangeControl />
    </header>
  );
}

const cpuText = ({ cpuPercent }: AgentStatus["cost"]): string => `${formatNumber(cpuPercent, cpuPercent < 10 ? 1 : 0)}\u00a0%`;

function factsOf(
  { storage, startedMs, version, node }: AgentStatus,
  current: AgentStatus["cost"],
  nowMs: number,
): readonly string[] {
  const kept = storage.oldestMs === null ? null : formatDuration(nowMs - storage.oldestMs);
  return [
    words.plugins.disk(formatQuantity(current.diskBytes, "bytes"), kept),
    words.plugins.samples(formatNumber(storage.samplesPerSecond), formatNumber(storage.series)),
    words.plugins.delay(formatQuantity(current.eventLoopDelayP99Ms, "milliseconds")),
    words.plugins.since(formatDuration(nowMs - startedMs)),
    words.plugins.runs(version, node.replace(/^v/, "")),
  ];
}
