import { join } from "node:path";
import { AgentError, type Manifest, type PermissionReport, type PluginReport, type SignatureReport } from "all-use-agent/sdk";
import { readConfig } from "../../host/config-file.ts";
import { splitKey } from "../../host/config/instance-name.ts";
import { givenConfig } from "../../host/config/settings.ts";
import { readManifest } from "../../host/manifest.ts";
import { settleConfig } from "../../host/plugin-config.ts";
import { connect } from "../client.ts";
import { dataDirOf } from "../data-dir.ts";
import { pluginTrouble } from "../plugin-advice.ts";
import { fields, localTime, table } from "../table.ts";
import { DATA_DIR_OPTION, DONE, expectPositionals, FAILED, JSON_OPTION, parseCommand } from "../usage.ts";

const OPTIONS = { ...DATA_DIR_OPTION, ...JSON_OPTION } as const;

export async function list(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseCommand(args, { ...OPTIONS, check: { type: "boolean" } });
  expectPositionals(positionals, []);
  const plugins = await reports(dataDirOf(values["data-dir"]));
  process.stdout.write(values.json ? `${JSON.stringify({ plugins }, null, 2)}\n` : asTable(plugins));
  return values.check && plugins.some((plugin) => pluginTrouble(plugin) !== null) ? FAILED : DONE;
}

export async function info(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseCommand(args, OPTIONS);
  expectPositionals(positionals, ["The plugin's id"]);
  const dataDir = dataDirOf(values["data-dir"]);
  const report = find(await reports(dataDir), positionals[0]);
  // What it was started with stands in its folder and in the configuration; either may be unreadable.
  const manifest = await readManifest(report.folder).catch(() => null);
  const config = manifest && (await configOf(manifest, report.id, dataDir).catch(() => null));
  const may = manifest && (await permissionsOf(dataDir, manifest.id));
  if (values.json) process.stdout.write(`${JSON.stringify({ ...report, manifest, config, ...may }, null, 2)}\n`);
  else process.stdout.write(describe(report) + (manifest && may ? vouched(may) + declared(manifest, config, may) : ""));
  return DONE;
}

async function reports(dataDir: string): Promise<readonly PluginReport[]> {
  const agent = await connect(dataDir);
  return (await agent.get<{ plugins: PluginReport[] }>("/api/agent/plugins")).plugins;
}

/** Of a plugin: what it may do and did, and who vouches for it. */
interface Allowed {
  readonly permissions: readonly PermissionReport[];
  readonly sha256: string | null;
  readonly signature: SignatureReport | null;
}

async function permissionsOf(dataDir: string, id: string): Promise<Allowed> {
  return (await connect(dataDir)).get<Allowed>(`/api/agent/plugins/${id}/permissions`);
}

/** What it works with, as the operator would write it; secrets are not among it. */
async function configOf(manifest: Manifest, key: string, dataDir: string): Promise<Record<string, unknown> | null> {
  const settings = (await readConfig(join(dataDir, "config.json"), false)).plugins?.[manifest.id] ?? {};
  const given = givenConfig(settings, splitKey(key).instance);
  const { written, problems } = settleConfig(manifest, given, { dataDir, key, secretsMayMiss: true });
  return problems.length === 0 ? written : null;
}

function find(plugins: readonly PluginReport[], id: string): PluginReport {
  const found = plugins.find((report) => report.id === id);
  if (found === undefined)
    throw new AgentError("plugin_unknown", `There is no plugin ${JSON.stringify(id)}; alluse plugin list shows their ids.`);
  return found;
}

function asTable(plugins: readonly PluginReport[]): string {
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

function describe(report: PluginReport): string {
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
    ...paceField(report),
    ["skipped", String(cost.skipped)],
    ["errors", String(cost.errors)],
    ...isolationFields(report),
  ]);
}

function paceField({ pace }: PluginReport): [string, string][] {
  if (!pace) return [];
  const { intervalMs, reason } = pace;
  return [["pace", `${intervalMs === null ? "not at intervals" : `every ${intervalMs / 1000} s`}: ${reason}`]];
}

function isolationFields({ isolation }: PluginReport): [string, string][] {
  if (isolation === undefined) return [["runs", "inside the agent, with the agent's rights"]];
  const { level, pid, residentBytes, restarts, denied, limits } = isolation;
  const how = level === "exec" ? "a program of its own" : "a process of its own";
  return [
    ["runs", pid === null ? `in ${how}, not at the moment` : `in ${how}, process ${pid}`],
    ["memory", `${(residentBytes / 2 ** 20).toFixed(1)} MB resident`],
    ["restarts", String(restarts)],
    ["denied", `${denied} uses of what it was not granted`],
    ["not enforced", limits.length === 0 ? "nothing: all limits hold here" : limits.join(" ")],
  ];
}

function vouched({ sha256, signature }: Allowed): string {
  if (sha256 === null) return "";
  return fields([
    ["content", `SHA-256 ${sha256}`],
    ["signed", signature === null ? "no" : `by ${signature.trustedAs ?? "a key that is not trusted,"} ${signature.key}`],
  ]);
}

function permissionLine({ permission, sentence, granted, uses, lastUsedMs, limit }: PermissionReport): string {
  const counted =
    uses === null ? "uses are not counted" : `used ${uses} times${lastUsedMs === null ? "" : `, last ${localTime(lastUsedMs)}`}`;
  return `  ${sentence} (${permission}): ${granted ? counted : "NOT GRANTED"}\n${limit === null ? "" : `    ${limit}\n`}`;
}

function declared(manifest: Manifest, config: Readonly<Record<string, unknown>> | null, may: Allowed): string {
  const metrics = Object.entries(manifest.metrics ?? {}).map(
    ([name, { type, unit, help }]) => `  ${name} (${type}${unit === undefined ? "" : `, ${unit}`}): ${help}\n`,
  );
  const settings = Object.entries(config ?? {}).map(([name, value]) => `  ${name}: ${JSON.stringify(value)}\n`);
  const part = (title: string, lines: readonly string[]): string =>
    lines.length === 0 ? `${title}: none\n` : `${title}:\n${lines.join("")}`;
  return (
    `\n${part("permissions", may.permissions.map(permissionLine))}` +
    part("metrics", metrics) +
    (config === null ? "configuration: not valid\n" : part("configuration", settings))
  );
}
