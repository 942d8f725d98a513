import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { noteOfCommand } from "../../agent/audit-note.ts";
import { builtSdk } from "../../agent/paths.ts";
import { SecretStore } from "../../host/config/secrets.ts";
import { writeFileAtomic } from "../../host/files.ts";
import { type Admission, admitPackage, grantBook, planAdmission } from "../../host/package/admission.ts";
import type { PluginPackage } from "../../host/package/entries.ts";
import { knownPlugin, uninstall } from "../../host/package/install.ts";
import { packFile } from "../../host/package/packed-file.ts";
import { permissionSentence, programSentence } from "../../host/package/permission-sentences.ts";
import { readPackage, readPluginFolder } from "../../host/package/read-package.ts";
import { readPrivateKey } from "../../host/package/signature.ts";
import { linkSdk } from "../../host/sdk-link.ts";
import { connect } from "../client.ts";
import { dataDirOf } from "../data-dir.ts";
import { bytes } from "../table.ts";
import { DATA_DIR_OPTION, DONE, expectPositionals, parseCommand, UsageError } from "../usage.ts";
import { pluginPath } from "./config.ts";
import { askConsent, YES_OPTION } from "./consent.ts";
import { agentRuns, rootsOf, whenItCounts } from "./place.ts";

/** `alluse plugin pack DIR [-o FILE] [--sign KEYFILE]` */
export async function pack(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseCommand(args, {
    ...DATA_DIR_OPTION,
    output: { type: "string", short: "o" },
    sign: { type: "string" },
  });
  expectPositionals(positionals, ["The plugin's folder"]);
  const packed = await readPluginFolder(resolve(positionals[0]));
  const { id, version } = packed.manifest;
  const file = resolve(values.output ?? `${id.split("/")[1]}-${version}.alluse-plugin`);
  const key = values.sign === undefined ? null : readPrivateKey(await readFile(resolve(values.sign), "utf8"), values.sign);
  const content = await packFile(packed, key);
  await writeFileAtomic(file, content);
  process.stdout.write(`${file} (${bytes(content.length)})\n${contentLine(packed)}`);
  return DONE;
}

/** `alluse plugin add FOLDER|FILE [--replace] [--yes]` */
export async function add(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseCommand(args, { ...DATA_DIR_OPTION, ...YES_OPTION, replace: { type: "boolean" } });
  expectPositionals(positionals, ["The plugin's folder or packed file"]);
  const dataDir = dataDirOf(values["data-dir"]);
  const roots = rootsOf(dataDir);
  const added = await readPackage(resolve(positionals[0]));
  const admission = await planAdmission(added, roots, dataDir, values.replace ?? false);
  const { before, asked, signerChange } = admission;
  const { id, version } = added.manifest;
  process.stdout.write(`${id} ${version}\n${contentLine(added)}${signerLine(admission)}${permissionLines(admission)}`);
  const program = programSentence(added.manifest);
  if (program !== null) process.stdout.write(`It is no JavaScript: it ${program}.\n`);
  const yes = values.yes ?? false;
  if (signerChange !== null) {
    process.stderr.write(`WARNING: ${signerChange} Whoever made it need not be who made the one you trust.\n`);
    if (!yes) throw new UsageError(`${id} comes from someone else than before: --yes takes it nevertheless.`);
  }
  if (admission.added.length > 0 && !yes) await askConsent(`Grant ${id} this and put it in place?`, `add ${positionals[0]}`);
  const folder = await admitPackage(admission, roots.installed, dataDir, { permissions: asked, how: "add", nowMs: Date.now() });
  await linkSdk(roots.installed, pathToFileURL(builtSdk()).href);
  const replaces = before?.manifest?.version ?? null;
  const details = {
    how: "add",
    version,
    replaces,
    sha256: added.sha256,
    signer: added.signature?.key ?? null,
    signer_changed: signerChange !== null,
    permissions: asked.join(" "),
  };
  await noteOfCommand(dataDir, [{ action: "plugin.installed", target: id, details }]);
  const instead = replaces === null ? "" : `, in place of ${replaces}`;
  process.stdout.write(`${id} ${version} is in ${folder}${instead}. ${await whenItCounts(dataDir)}\n`);
  return DONE;
}

/** `alluse plugin remove ID` */
export async function remove(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseCommand(args, DATA_DIR_OPTION);
  expectPositionals(positionals, ["The plugin's id"]);
  const dataDir = dataDirOf(values["data-dir"]);
  const found = await knownPlugin(rootsOf(dataDir), positionals[0]);
  if (found.manifest && (await agentRuns(dataDir))) {
    const agent = await connect(dataDir);
    await agent.postJson(`${pluginPath(found.id)}/action`, { action: "remove" });
    process.stdout.write(`${found.id} is removed; its samples stay.\n`);
    return DONE;
  }
  await uninstall(found);
  const secrets = await SecretStore.open(join(dataDir, "secrets.json"), null, () => {});
  if (secrets.problem === null) await secrets.forget(found.id);
  // After the folder: what is there without a grant would be granted anew.
  await grantBook(dataDir).change((plugins) => void delete plugins[found.id]);
  await noteOfCommand(dataDir, [
    { action: "plugin.removed", target: found.id, details: { version: found.manifest?.version ?? null } },
  ]);
  process.stdout.write(`${found.id} is removed with its permissions; its samples stay. ${await whenItCounts(dataDir)}\n`);
  return DONE;
}

function contentLine({ entries, sizeBytes, sha256 }: PluginPackage): string {
  return `${entries.length} files, ${bytes(sizeBytes)}, SHA-256 of the content ${sha256}\n`;
}

function signerLine({ signature }: Admission): string {
  if (signature === null) return "It is not signed: nobody vouches for it.\n";
  const { key, trustedAs } = signature;
  if (trustedAs !== null) return `It is signed by ${trustedAs}, whom you trust (${key}).\n`;
  return `It is signed with a key that you do not know, ${key}: alluse plugin trust add NAME KEY makes it known.\n`;
}

function permissionLines({ before, asked, added, dropped }: Admission): string {
  const lines = (permissions: readonly string[], lead: string): string =>
    permissions.map((one) => `  ${lead}${permissionSentence(one)}\n`).join("");
  if (before === null)
    return asked.length === 0 ? "It asks for no permissions.\n" : `It asks for these permissions:\n${lines(asked, "")}`;
  if (added.length === 0 && dropped.length === 0) return "It asks for the same permissions as before.\n";
  return lines(added, "now also: ") + lines(dropped, "no longer: ");
}
