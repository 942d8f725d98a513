import { AgentError, type Manifest } from "all-use-agent/sdk";
import { noteOfCommand } from "../../agent/audit-note.ts";
import { grantBook } from "../../host/package/admission.ts";
import { grantable, grantPermissions, revokePermission } from "../../host/package/granting.ts";
import { knownPlugin } from "../../host/package/install.ts";
import { permissionSentence } from "../../host/package/permission-sentences.ts";
import { dataDirOf } from "../data-dir.ts";
import { DATA_DIR_OPTION, DONE, expectPositionals, parseCommand, UsageError } from "../usage.ts";
import { askConsent, YES_OPTION } from "./consent.ts";
import { rootsOf, whenItCounts } from "./place.ts";

/** `alluse plugin grant ID [PERMISSION…] [--yes]` */
export async function grant(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseCommand(args, { ...DATA_DIR_OPTION, ...YES_OPTION });
  if (positionals.length === 0) throw new UsageError("The plugin's id is missing.");
  const dataDir = dataDirOf(values["data-dir"]);
  const { id, folder, manifest } = await installed(dataDir, positionals[0]);
  const book = grantBook(dataDir);
  const missing = await grantable(book, manifest);
  const wanted = positionals.length > 1 ? positionals.slice(1) : missing;
  if (missing.length === 0) {
    process.stdout.write(`${id} has all that it asks for.\n`);
    return DONE;
  }
  process.stdout.write(`${id} would get:\n${wanted.map((one) => `  it ${permissionSentence(one)} (${one})\n`).join("")}`);
  if (!values.yes) await askConsent(`Grant ${id} this?`, `grant ${positionals.join(" ")}`);
  const given = await grantPermissions(book, folder, manifest, wanted, Date.now());
  await noteOfCommand(dataDir, [{ action: "plugin.granted", target: id, details: { permissions: given.join(" ") } }]);
  process.stdout.write(`Granted. ${await whenItCounts(dataDir)}\n`);
  return DONE;
}

/** `alluse plugin revoke ID PERMISSION` */
export async function revoke(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseCommand(args, DATA_DIR_OPTION);
  expectPositionals(positionals, ["The plugin's id", "The permission"]);
  const dataDir = dataDirOf(values["data-dir"]);
  const { id, manifest } = await installed(dataDir, positionals[0]);
  await revokePermission(grantBook(dataDir), manifest, positionals[1]);
  await noteOfCommand(dataDir, [{ action: "plugin.revoked", target: id, details: { permissions: positionals[1] } }]);
  process.stdout.write(
    `${id} no longer ${permissionSentence(positionals[1])}: it runs without that. ${await whenItCounts(dataDir)}\n`,
  );
  return DONE;
}

async function installed(dataDir: string, wanted: string): Promise<{ id: string; folder: string; manifest: Manifest }> {
  const { id, place, manifest } = await knownPlugin(rootsOf(dataDir), wanted);
  if (place.origin === "bundled")
    throw new AgentError("plugin_bundled", `${id} comes with the agent: what it may do is the agent's own`);
  if (manifest === null) throw new AgentError("manifest_invalid", `${id} has no valid plugin.json: nothing can be granted to it`);
  return { id, folder: place.folder, manifest };
}
