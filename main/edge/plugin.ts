import { AgentError, type PluginReport } from "all-use-agent/sdk";
import { connect } from "./client.ts";
import type { Command } from "./commands.ts";
import { dataDirOf } from "./data-dir.ts";
import { fields, localTime, table } from "./table.ts";
import { DATA_DIR_OPTION, DONE, expectPositionals, JSON_OPTION, parseCommand, UsageError } from "./usage.ts";

const HELP = `Usage: alluse plugin list [options]
       alluse plugin info ID [options]

The plugins of the running agent with their state and cost.

  --data-dir D  the agent's data folder (default: the platform's)
  --json        the API's answer
`;

export const plugin: Command = {
  help: HELP,
  async run(args) {
    const { values, positionals } = parseCommand(args, { ...DATA_DIR_OPTION, ...JSON_OPTION });
    const [verb, ...rest] = positionals;
    if (verb !== "list" && verb !== "info") {
      throw new UsageError(
        verb === undefined ? "list or info is missing." : `There is no plugin command ${JSON.stringify(verb)}.`,
      );
    }
    expectPositionals(rest, verb === "list" ? [] : ["The plugin's id"]);
    const agent = await connect(dataDirOf(values["data-dir"]));
    const { plugins } = await agent.get<{ plugins: PluginReport[] }>("/api/agent/plugins");
    const shown = verb === "list" ? plugins : [find(plugins, rest[0])];
    const print = verb === "list" ? list : info;
    process.stdout.write(values.json ? `${JSON.stringify(verb === "list" ? { plugins } : shown[0], null, 2)}\n` : print(shown));
    return DONE;
  },
};

function find(plugins: readonly PluginReport[], id: string): PluginReport {
  const found = plugins.find((report) => report.id === id);
  if (found === undefined)
    throw new AgentError("plugin_unknown", `There is no plugin ${JSON.stringify(id)}; alluse plugin list shows their ids.`);
  return found;
}

function list(plugins: readonly PluginReport[]): string {
  return table(
    ["ID", "STATE", "VERSION", "CPU", "P99", "SAMPLES", "REASON"],
    plugins.map(({ id, state, version, cost, reason }) => [
      id,
      state,
      version ?? "",
      `${cost.cpuMsPerSecond.toFixed(2)} ms/s`,
      `${cost.p99Ms.toFixed(2)} ms`,
      `${cost.samplesPerSecond.toFixed(1)}/s`,
      reason ?? "",
    ]),
  );
}

function info([report]: readonly PluginReport[]): string {
  const { cost } = report;
  return fields([
    ["id", report.id],
    ["title", report.title],
    ["kind", report.kind ?? "unknown"],
    ["version", report.version ?? "unknown"],
    ["folder", `${report.folder} (${report.origin})`],
    ["state", `${report.state} since ${localTime(report.sinceMs)}`],
    ["reason", report.reason === null ? "none" : `${report.reason}${report.code === null ? "" : ` (${report.code})`}`],
    ["cpu", `${cost.cpuMsPerSecond.toFixed(2)} ms a second`],
    ["calls", `${cost.calls}, half within ${cost.p50Ms.toFixed(2)} ms, 99 of 100 within ${cost.p99Ms.toFixed(2)} ms`],
    ["samples", `${cost.samplesPerSecond.toFixed(1)} a second`],
    ["skipped", String(cost.skipped)],
    ["errors", String(cost.errors)],
    ...isolationFields(report),
  ]);
}

function isolationFields({ isolation }: PluginReport): [string, string][] {
  if (isolation === undefined) return [["runs", "inside the agent, with the agent's rights"]];
  const { pid, residentBytes, restarts, denied, limits } = isolation;
  return [
    ["runs", pid === null ? "in a process of its own, not at the moment" : `in process ${pid}`],
    ["memory", `${(residentBytes / 2 ** 20).toFixed(1)} MB resident`],
    ["restarts", String(restarts)],
    ["denied", `${denied} uses of what it was not granted`],
    ["not enforced", limits.length === 0 ? "nothing: all limits hold here" : limits.join(" ")],
  ];
}
