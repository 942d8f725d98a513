import type { CollectReport } from "all-use-agent/sdk";
import { DEFAULT_INSTANCE, splitKey } from "../../host/config/instance-name.ts";
import { connect } from "../client.ts";
import { dataDirOf } from "../data-dir.ts";
import { DATA_DIR_OPTION, DONE, expectPositionals, FAILED, JSON_OPTION, oneSentence, parseCommand } from "../usage.ts";
import { pluginPath } from "./config.ts";

/** `alluse plugin collect ID[#INSTANCE]` */
export async function collect(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseCommand(args, { ...DATA_DIR_OPTION, ...JSON_OPTION });
  expectPositionals(positionals, ["The plugin's id"]);
  const { id, instance } = splitKey(positionals[0]);
  const agent = await connect(dataDirOf(values["data-dir"]));
  const report = await agent.postJson<CollectReport>(`${pluginPath(id)}/action`, {
    action: "collect",
    ...(instance !== DEFAULT_INSTANCE && { instance }),
  });
  if (values.json) process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
  else {
    const { samples, ms, error } = report;
    const end = error === null ? "." : `, and failed: ${oneSentence(error.message)}`;
    process.stdout.write(`${positionals[0]}: ${samples} samples in ${ms.toFixed(1)} ms${end}\n`);
  }
  return report.error === null ? DONE : FAILED;
}
