import { AgentError, errorText } from "all-use-agent/sdk";
import { open, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";

/** What a running agent leaves in its data folder for those who want to talk to it. */
export interface AgentFile {
  readonly pid: number;
  readonly port: number;
  readonly startedMs: number;
}

export function agentFilePath(dataDir: string): string {
  return join(dataDir, "agent.json");
}

/** Replaces the file as a whole, mode 0600: a reader sees the old or the new one. */
export async function writeAgentFile(dataDir: string, content: AgentFile): Promise<void> {
  const path = agentFilePath(dataDir);
  const draft = `${path}.new`;
  const file = await open(draft, "w", 0o600);
  try {
    await file.writeFile(`${JSON.stringify(content)}\n`);
  } finally {
    await file.close();
  }
  await rename(draft, path);
}

export async function removeAgentFile(dataDir: string): Promise<void> {
  await rm(agentFilePath(dataDir), { force: true });
}

/** The file, or null when there is none: no agent was started here, or it has stopped. Throws `agent_file_invalid`. */
export async function readAgentFile(dataDir: string): Promise<AgentFile | null> {
  const path = agentFilePath(dataDir);
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return null;
    throw new AgentError("agent_file_unreadable", `${path} cannot be read: ${errorText(error)}.`, { where: path, cause: error });
  }
  let content: Partial<AgentFile>;
  try {
    content = JSON.parse(text) as Partial<AgentFile>;
  } catch {
    content = {};
  }
  const { pid, port, startedMs } = content;
  if (!Number.isSafeInteger(pid) || !Number.isSafeInteger(port)) {
    throw new AgentError(
      "agent_file_invalid",
      `${path} is damaged; stop the agent if it runs, delete the file and start the agent again.`,
      {
        where: path,
      },
    );
  }
  return { pid: pid as number, port: port as number, startedMs: Number(startedMs) || 0 };
}

/** Whether a process of that number exists, ours or another's. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
