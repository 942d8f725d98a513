import { type AgentStatus, errorText, type PluginReport } from "all-use-agent/sdk";
import { access, constants, stat, statfs } from "node:fs/promises";
import { dirname, join } from "node:path";
import { readToken, tokenPath } from "../api/token.ts";
import { readableByOthers } from "../host/config/secrets.ts";
import { readAgentFile } from "./agent-file.ts";
import { type AgentClient, connect } from "./client.ts";
import type { Command } from "./commands.ts";
import { dataDirOf } from "./data-dir.ts";
import { pluginTrouble } from "./plugin-advice.ts";
import { loadText } from "./status.ts";
import { bytes } from "./table.ts";
import { DATA_DIR_OPTION, DONE, expectPositionals, FAILED, JSON_OPTION, oneSentence, parseCommand } from "./usage.ts";

const HELP = `Usage: alluse doctor [options]

Looks at what the agent needs and at the agent itself; each line is ok, warn or fail and says what to do.
Exit status 1 when a line fails.

  --data-dir D  the agent's data folder (default: the platform's)
  --json        the lines as JSON
`;

export interface Check {
  readonly check: string;
  readonly result: "ok" | "warn" | "fail";
  /** What was found, and what to do about it. */
  readonly text: string;
}

/** Node.js before this one runs the agent but gets no fixes any more. */
const MAINTAINED_NODE_MAJOR = 22;
const LOW_SPACE_BYTES = 1024 ** 3;
const NO_SPACE_BYTES = 64 * 1024 ** 2;
const STALE_AFTER_MS = 30_000;

export const doctor: Command = {
  help: HELP,
  async run(args) {
    const { values, positionals } = parseCommand(args, { ...DATA_DIR_OPTION, ...JSON_OPTION });
    expectPositionals(positionals, []);
    const checks = await examine(dataDirOf(values["data-dir"]));
    if (values.json) process.stdout.write(`${JSON.stringify({ checks }, null, 2)}\n`);
    else process.stdout.write(checks.map(({ check, result, text }) => `${result.padEnd(4)}  ${check}: ${text}\n`).join(""));
    return checks.some(({ result }) => result === "fail") ? FAILED : DONE;
  },
};

export async function examine(dataDir: string): Promise<Check[]> {
  const checks: Check[] = [nodeVersion(), ...(await dataFolder(dataDir))];
  if (checks.some(({ result, check }) => check === "data folder" && result === "fail")) return checks;
  checks.push(...(await tokenFile(dataDir)), ...(await secretsFile(dataDir)));
  let agent: AgentClient;
  try {
    if ((await readAgentFile(dataDir)) === null) {
      checks.push({ check: "agent", result: "warn", text: "none runs on this folder; start one with alluse start." });
      return checks;
    }
    agent = await connect(dataDir);
    checks.push(...(await runningAgent(agent)));
  } catch (error) {
    checks.push({ check: "agent", result: "fail", text: oneSentence(error) });
  }
  return checks;
}

function nodeVersion(): Check {
  const version = process.versions.node;
  if (Number.parseInt(version, 10) >= MAINTAINED_NODE_MAJOR) return { check: "node", result: "ok", text: version };
  return { check: "node", result: "warn", text: `${version} works, but is no longer maintained; install 24.` };
}

async function dataFolder(dataDir: string): Promise<Check[]> {
  const check = "data folder";
  const existing = await nearestExisting(dataDir);
  try {
    if (!(await stat(existing)).isDirectory()) throw new Error(`${existing} is not a folder`);
    await access(existing, constants.W_OK | constants.X_OK);
  } catch (error) {
    return [
      { check, result: "fail", text: `${dataDir} cannot be written (${errorText(error)}); choose another with --data-dir.` },
    ];
  }
  const folder: Check = { check, result: "ok", text: existing === dataDir ? dataDir : `${dataDir} (not made yet)` };
  const { bavail, bsize } = await statfs(existing);
  return [folder, space(bavail * bsize)];
}

function space(freeBytes: number): Check {
  const text = `${bytes(freeBytes)} free`;
  if (freeBytes < NO_SPACE_BYTES)
    return { check: "space", result: "fail", text: `${text}; nothing more can be kept: make room.` };
  if (freeBytes < LOW_SPACE_BYTES) return { check: "space", result: "warn", text: `${text}; make room before it is used up.` };
  return { check: "space", result: "ok", text };
}

async function nearestExisting(path: string): Promise<string> {
  for (let folder = path; ; folder = dirname(folder)) {
    const found = await stat(folder).then(
      () => true,
      () => false,
    );
    if (found || dirname(folder) === folder) return folder;
  }
}

async function tokenFile(dataDir: string): Promise<Check[]> {
  const check = "token";
  try {
    if ((await readToken(dataDir)) === null) return [{ check, result: "ok", text: "none yet; the first start makes one." }];
    const mode = (await stat(tokenPath(dataDir))).mode & 0o777;
    if (process.platform !== "win32" && (mode & 0o077) !== 0) {
      const text = `others may read it (mode ${mode.toString(8)}); run chmod 600 ${tokenPath(dataDir)}, and delete the file for a new token if they have.`;
      return [{ check, result: "fail", text }];
    }
    return [{ check, result: "ok", text: "only this user may read it." }];
  } catch (error) {
    return [{ check, result: "fail", text: oneSentence(error) }];
  }
}

async function secretsFile(dataDir: string): Promise<Check[]> {
  const path = join(dataDir, "secrets.json");
  if (!(await readableByOthers(path))) return [];
  const text = `others may read ${path}; run chmod 600 ${path}, and set the plugins' secrets anew if they have.`;
  return [{ check: "secrets", result: "fail", text }];
}

async function runningAgent(agent: AgentClient): Promise<Check[]> {
  const status = await agent.get<AgentStatus>("/api/agent/status");
  const checks: Check[] = [{ check: "agent", result: "ok", text: `answers on port ${agent.port}, process ${agent.pid}.` }];
  const newestMs = status.newestSampleMs;
  if (newestMs !== null && status.nowMs - newestMs > STALE_AFTER_MS) {
    const text = `the newest is ${Math.round((status.nowMs - newestMs) / 1000)} s old; see whether a collector has failed.`;
    checks.push({ check: "samples", result: "warn", text });
  }
  if (status.load && status.load.level > 0)
    checks.push({ check: "load", result: status.load.level > 1 ? "warn" : "ok", text: `${loadText(status)}.` });
  const { plugins } = await agent.get<{ plugins: PluginReport[] }>("/api/agent/plugins");
  let troubled = 0;
  for (const plugin of plugins) {
    const text = pluginTrouble(plugin);
    if (text === null) continue;
    troubled++;
    checks.push({ check: `plugin ${plugin.id}`, result: plugin.state === "failed" ? "fail" : "warn", text });
  }
  if (troubled === 0) checks.push({ check: "plugins", result: "ok", text: `${plugins.length}, all well.` });
  const { safeMode } = status;
  if (safeMode) checks.push({ check: "safe mode", result: "fail", text: safeMode.reason });
  // What the agent says of its plugins stands above already, with the folder.
  for (const problem of status.problems.filter((text) => !text.startsWith("Plugin ") && text !== safeMode?.reason))
    checks.push({ check: "agent", result: "fail", text: problem });
  return checks;
}
