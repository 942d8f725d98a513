import type { AgentStatus, PluginReport } from "all-use-agent/sdk";
import { decimalsFor, formatNumber, formatQuantity, formatSentence } from "../format.ts";
import { instanceOf, isOff, needsLook, type PluginGroup, splitCost } from "../state/plugin-list.ts";
import { words } from "../words.ts";

interface TableProps {
  readonly groups: readonly PluginGroup[];
  readonly cost: AgentStatus["cost"] | null;
  readonly chosen: string;
  readonly onChoose: (id: string) => void;
}

const COLUMNS = 8;

/** Every plugin with health and cost, named instances under their plugin; what needs a look says why in its own row. */
export function PluginTable({ groups, cost, chosen, onChoose }: TableProps) {
  const { plugin, kind, runs, health, cpu, memory, samples, slow } = words.plugins.heads;
  const plugins = groups.flatMap(({ reports }) => reports);
  const rest = cost ? splitCost(cost, plugins).restMsPerSecond : 0;
  const largest = Math.max(1e-6, rest, ...plugins.map((one) => one.cost.cpuMsPerSecond));
  return (
    <table class="list">
      <thead>
        <tr>
          <th scope="col">{plugin}</th>
          <th scope="col" class="wide kind">
            {kind}
          </th>
          <th scope="col" class="wide">
            {runs}
          </th>
          <th scope="col">{health}</th>
          <th scope="col" class="n">
            {cpu}
          </th>
          <th scope="col" class="n wide">
            {memory}
          </th>
          <th scope="col" class="n roomy">
            {samples}
          </th>
          <th scope="col" class="n wide slow">
            {slow}
          </th>
        </tr>
      </thead>
      <tbody>
        {groups.map(({ reports }) =>
          reports.map((one, i) => (
            <Row key={one.id} plugin={one} beneath={i > 0} largest={largest} chosen={one.id === chosen} onChoose={onChoose} />
          )),
        )}
        {cost && plugins.length > 0 && <Sum plugins={plugins} cost={cost} largest={largest} />}
      </tbody>
    </table>
  );
}

interface RowProps {
  readonly plugin: PluginReport;
  /** An instance below the first of its plugin. */
  readonly beneath: boolean;
  readonly largest: number;
  readonly chosen: boolean;
  readonly onChoose: (id: string) => void;
}

function Row({ plugin, beneath, largest, chosen, onChoose }: RowProps) {
  const { cost, state, isolation } = plugin;
  const off = isOff(plugin);
  const tone = state === "failed" ? "cri" : state === "degraded" ? "att" : "q";
  const why = needsLook(plugin) ? plugin.reason : null;
  const look = [chosen ? "chosen" : off ? "q" : "", why ? "explained" : ""].join(" ").trim();
  const instance = instanceOf(plugin.id);
  const named = plugin.id.includes("#");
  return (
    <>
      <tr class={look} onClick={() => onChoose(plugin.id)}>
        <td class={beneath ? "beneath" : ""}>
          <button
            type="button"
            class="row"
            data-plugin={plugin.id}
            aria-pressed={chosen}
            onClick={(event) => {
              event.stopPropagation();
              onChoose(plugin.id);
            }}
          >
            {beneath ? <span class="unseen">{plugin.title} </span> : plugin.title}
            {named && (beneath ? instance : <span class="q"> {instance}</span>)}
          </button>
        </td>
        <td class="wide kind q">{beneath ? "" : (plugin.kind ?? "")}</td>
        <td class="wide q">{words.plugins.runs[isolation?.level ?? "core"]}</td>
        <td class={tone}>{needsLook(plugin) ? <b>{words.plugins.state[state]}</b> : words.plugins.state[state]}</td>
        <td class="n">
          {!off && <Meter share={cost.cpuMsPerSecond / largest} />}
          {off ? "" : formatNumber(cost.cpuMsPerSecond, 2)}
        </td>
        <td class="n wide">{off || !isolation || isolation.pid === null ? "" : megabytes(isolation.residentBytes)}</td>
        <td class="n roomy">
          {cost.samplesPerSecond > 0 ? formatNumber(cost.samplesPerSecond, cost.samplesPerSecond < 10 ? 1 : 0) : ""}
        </td>
        <td class="n q wide slow">{cost.calls > 0 ? formatNumber(cost.p99Ms, Math.min(2, decimalsFor(cost.p99Ms, 2))) : ""}</td>
      </tr>
      {why && (
        <tr class={chosen ? "chosen" : ""} onClick={() => onChoose(plugin.id)}>
          <td colSpan={COLUMNS} class={`sm ${tone}${beneath ? " beneath" : ""}`}>
            {formatSentence(why)}
          </td>
        </tr>
      )}
    </>
  );
}

/** As everywhere on the page: thousands, not 1024. */
const megabytes = (bytes: number): string => formatNumber(bytes / 1e6, bytes < 10e6 ? 1 : 0);

function Meter({ share }: { share: number }) {
  return (
    <span class="meter" aria-hidden="true">
      <i style={{ width: `${Math.min(100, share * 100)}%` }} />
    </span>
  );
}

/** What no plugin accounts for, and all of it: the same figures as in the sentence above. */
function Sum({ plugins, cost, largest }: { plugins: readonly PluginReport[]; cost: AgentStatus["cost"]; largest: number }) {
  const samples = plugins.reduce((sum, plugin) => sum + plugin.cost.samplesPerSecond, 0);
  const { restMsPerSecond, togetherMsPerSecond, residentBytes } = splitCost(cost, plugins);
  return (
    <>
      <tr>
        <td title={words.plugins.runtimeHint}>{words.plugins.runtime}</td>
        <td class="wide kind q">{words.plugins.host}</td>
        <td class="wide" />
        <td />
        <td class="n">
          <Meter share={restMsPerSecond / largest} />
          {formatNumber(restMsPerSecond, 2)}
        </td>
        <td class="n wide" title={formatQuantity(cost.residentBytes, "bytes")}>
          {megabytes(cost.residentBytes)}
        </td>
        <td class="roomy" />
        <td class="wide slow" />
      </tr>
      <tr class="sum">
        <td>{words.plugins.together}</td>
        <td class="wide kind" />
        <td class="wide" />
        <td />
        <td class="n">{formatNumber(togetherMsPerSecond, 2)}</td>
        <td class="n wide">{megabytes(residentBytes)}</td>
        <td class="n roomy">{formatNumber(samples)}</td>
        <td class="wide slow" />
      </tr>
    </>
  );
}
