import type { AgentStatus, PluginReport } from "all-use-agent/sdk";
import { decimalsFor, formatNumber, formatSentence } from "../format.ts";
import { isOff, needsLook } from "../state/plugin-list.ts";
import { words } from "../words.ts";

interface TableProps {
  readonly plugins: readonly PluginReport[];
  readonly cost: AgentStatus["cost"] | null;
  readonly chosen: string;
  readonly onChoose: (id: string) => void;
}

const COLUMNS = 7;

/** One percent of a core is ten milliseconds of CPU a second. */
const MS_PER_S_OF_PERCENT = 10;

/** Every plugin with health and cost; what is failed says why in its own row. */
export function PluginTable({ plugins, cost, chosen, onChoose }: TableProps) {
  const { plugin, kind, origin, health, cpu, samples, slow } = words.plugins.heads;
  const own = plugins.reduce((sum, one) => sum + one.cost.cpuMsPerSecond, 0);
  const rest = Math.max(0, (cost?.cpuPercent ?? 0) * MS_PER_S_OF_PERCENT - own);
  const largest = Math.max(1e-6, rest, ...plugins.map((one) => one.cost.cpuMsPerSecond));
  return (
    <table class="list">
      <thead>
        <tr>
          <th scope="col">{plugin}</th>
          <th scope="col" class="wide">
            {kind}
          </th>
          <th scope="col" class="wide origin">
            {origin}
          </th>
          <th scope="col">{health}</th>
          <th scope="col" class="n">
            {cpu}
          </th>
          <th scope="col" class="n roomy">
            {samples}
          </th>
          <th scope="col" class="n wide">
            {slow}
          </th>
        </tr>
      </thead>
      <tbody>
        {plugins.map((one) => (
          <Row key={one.id} plugin={one} largest={largest} chosen={one.id === chosen} onChoose={onChoose} />
        ))}
        {cost && plugins.length > 0 && <Sum plugins={plugins} own={own} rest={rest} largest={largest} />}
      </tbody>
    </table>
  );
}

interface RowProps {
  readonly plugin: PluginReport;
  readonly largest: number;
  readonly chosen: boolean;
  readonly onChoose: (id: string) => void;
}

function Row({ plugin, largest, chosen, onChoose }: RowProps) {
  const { cost, state } = plugin;
  const off = isOff(plugin);
  const tone = state === "failed" ? "cri" : state === "degraded" ? "att" : "q";
  const why = needsLook(plugin) ? plugin.reason : null;
  const look = [chosen ? "chosen" : off ? "q" : "", why ? "explained" : ""].join(" ").trim();
  return (
    <>
      <tr class={look} onClick={() => onChoose(plugin.id)}>
        <td>
          <button
            type="button"
            class="row"
            aria-pressed={chosen}
            onClick={(event) => {
              event.stopPropagation();
              onChoose(plugin.id);
            }}
          >
            {plugin.title}
          </button>
        </td>
        <td class="wide q">{plugin.kind ?? ""}</td>
        <td class="wide origin q">{words.plugins.origin[plugin.origin]}</td>
        <td class={tone}>{needsLook(plugin) ? <b>{words.plugins.state[state]}</b> : words.plugins.state[state]}</td>
        <td class="n">
          {!off && <Meter share={cost.cpuMsPerSecond / largest} />}
          {off ? "" : formatNumber(cost.cpuMsPerSecond, 2)}
        </td>
        <td class="n roomy">
          {cost.samplesPerSecond > 0 ? formatNumber(cost.samplesPerSecond, cost.samplesPerSecond < 10 ? 1 : 0) : ""}
        </td>
        <td class="n q wide">{cost.calls > 0 ? formatNumber(cost.p99Ms, Math.min(2, decimalsFor(cost.p99Ms, 2))) : ""}</td>
      </tr>
      {why && (
        <tr class={chosen ? "chosen" : ""} onClick={() => onChoose(plugin.id)}>
          <td colSpan={COLUMNS} class={`sm ${tone}`}>
            {formatSentence(why)}
          </td>
        </tr>
      )}
    </>
  );
}

function Meter({ share }: { share: number }) {
  return (
    <span class="meter" aria-hidden="true">
      <i style={{ width: `${Math.min(100, share * 100)}%` }} />
    </span>
  );
}

/** What no plugin accounts for, and all of it: the same figure as in the sentence above. */
function Sum({ plugins, own, rest, largest }: { plugins: readonly PluginReport[]; own: number; rest: number; largest: number }) {
  const samples = plugins.reduce((sum, plugin) => sum + plugin.cost.samplesPerSecond, 0);
  return (
    <>
      <tr>
        <td>{words.plugins.runtime}</td>
        <td class="wide q">{words.plugins.host}</td>
        <td class="wide origin" />
        <td />
        <td class="n">
          <Meter share={rest / largest} />
          {formatNumber(rest, 2)}
        </td>
        <td class="roomy" />
        <td class="wide" />
      </tr>
      <tr class="sum">
        <td>{words.plugins.together}</td>
        <td class="wide" />
        <td class="wide origin" />
        <td />
        <td class="n">{formatNumber(own + rest, 2)}</td>
        <td class="n roomy">{formatNumber(samples)}</td>
        <td class="wide" />
      </tr>
    </>
  );
}
