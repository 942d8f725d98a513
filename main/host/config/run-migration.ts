import { join } from "node:path";
import type { Manifest } from "all-use-agent/sdk";
import { freshImport } from "../fresh-import.ts";

type Json = Record<string, unknown>;

/** Calls a plugin's `migrate` for each configuration, wherever this runs. null when it has none. */
export async function runMigration(
  folder: string,
  manifest: Manifest,
  configs: readonly Json[],
  from: number,
): Promise<unknown[] | null> {
  const module = (await freshImport(folder, join(folder, manifest.entry!))) as { migrate?: unknown };
  const { migrate } = module;
  if (typeof migrate !== "function") return null;
  const results: unknown[] = [];
  for (const config of configs) results.push(await (migrate as (...args: unknown[]) => unknown)(structuredClone(config), from));
  return results;
}
