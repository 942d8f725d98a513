import { readdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { readStartFile, readSuspects, removeFile, startPath, suspectsPath, writeJson } from "./start-file.ts";

/**
 * Clears a plugin, with all its instances, of every crash and every suspicion, so that the next start takes it in. Returns
 * whether there was anything to forgive. `agentRuns`: the journal of the start belongs to that agent then, and is left alone.
 */
export async function forgive(dataDir: string, id: string, agentRuns: boolean): Promise<boolean> {
  let forgiven = await forgiveCrashes(dataDir, id);
  const { [id]: suspect, ...others } = readSuspects(dataDir);
  if (suspect !== undefined) {
    forgiven = true;
    if (Object.keys(others).length === 0) removeFile(suspectsPath(dataDir));
    else writeJson(suspectsPath(dataDir), others, true);
  }
  if (agentRuns) return forgiven;
  const file = readStartFile(dataDir);
  const failures = file.failures.filter(({ suspects }) => !suspects.some((note) => note.id.split("#", 1)[0] === id));
  if (failures.length < file.failures.length) {
    forgiven = true;
    writeJson(startPath(dataDir), { ...file, failures }, true);
  }
  return forgiven;
}

async function forgiveCrashes(dataDir: string, id: string): Promise<boolean> {
  const folder = join(dataDir, "state", dirname(id));
  const name = id.slice(id.indexOf("/") + 1);
  let forgiven = false;
  for (const entry of await readdir(folder).catch(() => [])) {
    if (entry !== name && !entry.startsWith(`${name}#`)) continue;
    const there = await rm(join(folder, entry, "crashes.json")).then(
      () => true,
      () => false,
    );
    forgiven ||= there;
  }
  return forgiven;
}
