import type { PluginLogReport } from "all-use-agent/sdk";
import { type AgentClient, connect } from "../client.ts";
import { dataDirOf } from "../data-dir.ts";
import { localTime } from "../table.ts";
import { DATA_DIR_OPTION, DONE, expectPositionals, JSON_OPTION, parseCommand } from "../usage.ts";

const LOOK_AGAIN_MS = 1000;

type Line = PluginLogReport["lines"][number];

/** `alluse plugin log ID [--follow] [--json]`; ID may name an instance: `collectors/ping#lan`. */
export async function log(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseCommand(args, { ...DATA_DIR_OPTION, ...JSON_OPTION, follow: { type: "boolean" } });
  expectPositionals(positionals, ["The plugin's id"]);
  const agent = await connect(dataDirOf(values["data-dir"]));
  const report = await ask(agent, positionals[0]);
  const asJson = values.json ?? false;
  if (asJson && !values.follow) {
    process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
    return DONE;
  }
  print(report.lines, asJson);
  if (!values.follow) {
    process.stdout.write(describe(report));
    return DONE;
  }
  let shown = report.lines;
  // Until the operator stops it, or the reader goes away.
  while (process.stdout.writable) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
    const { lines } = await ask(agent, positionals[0]);
    print(newer(lines, shown), asJson);
    shown = lines;
  }
  return DONE;
}

function ask(agent: AgentClient, key: string): Promise<PluginLogReport> {
  const [id, instance] = key.split("#", 2);
  const path = id.split("/").map(encodeURIComponent).join("/");
  return agent.get(`/api/agent/plugins/${path}/log`, instance === undefined ? {} : { instance });
}

/** What has come since: beyond the newest line shown, of which several may bear the same time. */
export function newer(lines: readonly Line[], shown: readonly Line[]): readonly Line[] {
  const last = shown.at(-1);
  if (last === undefined) return lines;
  const seen = shown.filter(({ timeMs }) => timeMs === last.timeMs).length;
  const from = lines.findIndex(({ timeMs }) => timeMs >= last.timeMs);
  if (from < 0) return [];
  return lines.slice(lines[from].timeMs === last.timeMs ? from + seen : from);
}

function print(lines: readonly Line[], asJson: boolean): void {
  const line = (one: Line): string =>
    asJson ? JSON.stringify(one) : `${localTime(one.timeMs)}  ${one.level.padEnd(5)}  ${one.message}`;
  process.stdout.write(lines.map((one) => `${line(one)}\n`).join(""));
}

function describe({ lines, errors }: PluginLogReport): string {
  if (errors.length === 0) return lines.length === 0 ? "It has logged nothing since the agent started.\n" : "";
  const rows = errors.map(({ code, message, count, firstMs, lastMs }) => {
    const when = count === 1 ? `at ${localTime(lastMs)}` : `from ${localTime(firstMs)} to ${localTime(lastMs)}`;
    return `  ${count} × ${code}: ${message} (${when})\n`;
  });
  return `\nErrors, each kind once:\n${rows.join("")}`;
}
