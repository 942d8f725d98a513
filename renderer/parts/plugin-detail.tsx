import type { PluginReport } from "all-use-agent/sdk";
import { formatMoment, formatNumber, formatQuantity, formatSentence } from "../format.ts";
import { now } from "../state/agent.ts";
import { needsLook } from "../state/plugin-list.ts";
import { words } from "../words.ts";

/** One plugin: what it is, what is the matter with it, what it costs, where it lies. */
export function PluginDetail({ plugin, onClose }: { plugin: PluginReport; onClose: () => void }) {
  const { cost } = plugin;
  const kind = [plugin.version, plugin.kind, words.plugins.originLong[plugin.origin]].filter(Boolean).join(", ");
  const rows: readonly (readonly [string, string])[] = [
    [words.plugins.cpu, `${formatNumber(cost.cpuMsPerSecond, 2)} ms/s`],
    [words.plugins.rate, formatQuantity(cost.samplesPerSecond, "per_second", 4)],
    [words.plugins.calls, formatNumber(cost.calls)],
    [words.plugins.median, formatQuantity(cost.p50Ms, "milliseconds")],
    [words.plugins.slowest, formatQuantity(cost.p99Ms, "milliseconds")],
    [words.plugins.skipped, formatNumber(cost.skipped)],
    [words.plugins.errors, formatNumber(cost.errors)],
  ];
  return (
    <>
      <div class="head-line">
        <h2>{plugin.title}</h2>
        <button type="button" class="plain" onClick={onClose}>
          {words.plugins.close}
        </button>
      </div>
      <p class="q sm">{kind}</p>
      {needsLook(plugin) && (
        <p class={plugin.state === "failed" ? "state critical" : "state"}>
          <b class={plugin.state === "failed" ? "cri" : "att"}>
            {words.plugins.sinceState(words.plugins.state[plugin.state], formatMoment(plugin.sinceMs, now.peek()))}.
          </b>{" "}
          {formatSentence(plugin.reason ?? "")} {words.plugins.restOk}
        </p>
      )}
      <table class="figures">
        <tbody>
          {!needsLook(plugin) && (
            <tr>
              <th scope="row">{words.plugins.state_}</th>
              <td>{words.plugins.sinceState(words.plugins.state[plugin.state], formatMoment(plugin.sinceMs, now.peek()))}</td>
            </tr>
          )}
          {rows.map(([name, value]) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td>{value}</td>
            </tr>
          ))}
          {plugin.code && (
            <tr>
              <th scope="row">{words.plugins.code}</th>
              <td class="mono">{plugin.code}</td>
            </tr>
          )}
        </tbody>
      </table>
      <p class="q sm folder">
        {words.plugins.folder}: <span class="mono">{plugin.folder}</span>
      </p>
    </>
  );
}
