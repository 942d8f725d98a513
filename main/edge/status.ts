import type { AgentStatus, PluginReport } from "all-use-agent/sdk";
import { connect } from "./client.ts";
import type { Command } from "./commands.ts";
import { dataDirOf } from "./data-dir.ts";
import { pluginTrouble } from "./plugin-advice.ts";
import { age, bytes, fields, localTime } from "./table.ts";
import { DATA_DIR_OPTION, DONE, expectPositionals, JSON_OPTION, parseCommand } from "./usage.ts";

const HELP = `Usage: alluse status [options]

What runs, what it costs, and the address that signs a browser in.

  --data-dir D  the agent's data folder (default: the platform's)
  --json        the API's answer, without the address
`;

export const status: Command = {
  help: HELP,
  async run(args) {
    const { values, positionals } = parseCommand(args, { ...DATA_DIR_OPTION, ...JSON_OPTION });
    expectPositionals(positionals, []);
    const agent = await connect(dataDirOf(values["data-dir"]));
    const report = await agent.get<AgentStatus>("/api/agent/status");
    if (values.json) {
      process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
      return DONE;
    }
    const { plugins } = await agent.get<{ plugins: PluginReport[] }>("/api/agent/plugins");
    process.stdout.write(
      describe(report, plugins, `http://127.0.0.1:${agent.port}/${agent.token === null ? "" : `?token=${agent.token}`}`),
    );
    return DONE;
  },
};

/** At which level collectors yield to the agent's own work, and why. */
export function loadText({ load }: AgentStatus): string {
  if (!load || load.level === 0) return "none: every collector is read at its pace";
  return `level ${load.level} of 3: ${load.reason ?? "no reason given"}; collectors of low priority yield first`;
}

function describe(report: AgentStatus, plugins: readonly PluginReport[], page: string): string {
  const { cost, storage } = report;
  const failed = plugins.filter((plugin) => pluginTrouble(plugin) !== null).length;
  const newest = report.newestSampleMs === null ? "no sample yet" : `${age(report.nowMs - report.newestSampleMs)} old`;
  const lines = fields([
    ["agent", `${report.version} on ${report.host}, process ${report.pid}, Node.js ${report.node}, ${report.shell}`],
    ["page", page],
    ["data", report.dataDir],
    ["running", `${age(report.nowMs - report.startedMs)}, since ${localTime(report.startedMs)}`],
    ["cost", `${cost.cpuPercent.toFixed(1)} % of a core, ${bytes(cost.residentBytes)} memory, ${bytes(cost.diskBytes)} on disk`],
    ["load", loadText(report)],
    ["samples", `${storage.samples} in ${storage.series} series, ${storage.samplesPerSecond.toFixed(0)} a second`],
    ["newest", newest],
    ["plugins", `${plugins.length}, ${failed === 0 ? "all well" : `${failed} not well`}`],
  ]);
  return lines + report.problems.map((problem) => `problem: ${problem}\n`).join("");
}
