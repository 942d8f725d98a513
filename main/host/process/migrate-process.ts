import { AgentError, type Logger, type Manifest } from "all-use-agent/sdk";
import type { MigrationOrder } from "./messages.ts";
import { PluginProcess } from "./plugin-process.ts";

/** Runs a plugin's `migrate` in a process that does nothing else. null when it has none. */
export async function migrateInProcess(
  folder: string,
  manifest: Manifest,
  log: Logger,
  configs: readonly Record<string, unknown>[],
  fromVersion: number,
  deadlineMs: number,
): Promise<unknown> {
  let ended: AgentError | null = null;
  const process = await PluginProcess.launch(folder, manifest, log, {
    now: () => Date.now(),
    // It has no context to speak through.
    message: () => {},
    batch: () => {},
    processed: () => {},
    wanted: () => true,
    slowed: () => {},
    ended: (error) => void (ended = error),
  });
  const late = setTimeout(
    () => process.kill(new AgentError("migration_failed", `migrate() took longer than ${deadlineMs / 1000} s`), true),
    deadlineMs,
  );
  try {
    const order: MigrationOrder = { folder, manifest, configs, fromVersion };
    const { value } = await process.channel.call("migrate", [order]);
    return (value as { configs?: unknown } | null)?.configs ?? null;
  } catch (error) {
    throw ended ?? error;
  } finally {
    clearTimeout(late);
    await process.close();
  }
}
