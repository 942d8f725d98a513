import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { builtSdk } from "../../agent/paths.ts";
import { SecretStore } from "../../host/config/secrets.ts";
import { writeFileAtomic } from "../../host/files.ts";
import { install, knownPlugin, predecessorOf, uninstall } from "../../host/package/install.ts";
import type { PluginPackage } from "../../host/package/entries.ts";
import { packFile } from "../../host/package/packed-file.ts";
import { permissionDifference, permissionSentence, programSentence } from "../../host/package/permission-sentences.ts";
import { readPackage, readPluginFolder } from "../../host/package/read-package.ts";
import { linkSdk } from "../../host/sdk-link.ts";
import { connect } from "../client.ts";
import { dataDirOf } from "../data-dir.ts";
import { bytes } from "../table.ts";
import { DATA_DIR_OPTION, DONE, expectPositionals, parseCommand } from "../usage.ts";
import { pluginPath } from "./config.ts";
import { agentRuns, rootsOf, whenItCounts } from "./place.ts";

/** `alluse plugin pack DIR [-o FILE]` */
export async function pack(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseCommand(args, { ...DATA_DIR_OPTION, output: { type: "string", short: "o" } });
  expectPositionals(positionals, ["The plugin's folder"]);
  const packed = await readPluginFolder(resolve(positionals[0]));
  const { id, version } = packed.manifest;
  const file = resolve(values.output ?? `${id.split("/")[1]}-${version}.alluse-plugin`);
  const content = await packFile(packed);
  await writeFileAtomic(file, content);
  process.stdout.write(`${file} (${bytes(content.length)})\n${contentLine(packed)}`);
  return DONE;
}

/** `alluse plugin add FOLDER|FILE [--replace]` */
export async function add(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseCommand(args, { ...DATA_DIR_OPTION, replace: { type: "boolean" } });
  expectPositionals(positionals, ["The plugin's folder or packed file"]);
  const dataDir = dataDirOf(values["data-dir"]);
  const roots = rootsOf(dataDir);
  const added = await readPackage(resolve(positionals[0]));
  const { manifest } = added;
  const before = await predecessorOf(manifest, roots, values.replace ?? false);
  const folder = await install(added, roots.installed, before);
  await linkSdk(roots.installed, pathToFileURL(builtSdk()).href);
  let text = `${manifest.id} ${manifest.version} is in ${folder}`;
  if (before?.manifest) text += `, in place of ${before.manifest.version}`;
  text += `.\n${contentLine(added)}`;
  const program = programSentence(manifest);
  if (program !== null) text += `It is no JavaScript: it ${program}.\n`;
  text += before?.manifest
    ? differenceLines(permissionDifference(before.manifest, manifest))
    : permissionLines(manifest.permissions ?? []);
  process.stdout.write(`${text}${await whenItCounts(dataDir)}\n`);
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
  process.stdout.write(`${found.id} is removed; its samples stay. ${await whenItCounts(dataDir)}\n`);
  return DONE;
}

function contentLine({ entries, sizeBytes, sha256 }: PluginPackage): string {
  return `${entries.length} files, ${bytes(sizeBytes)}, SHA-256 of the content ${sha256}\n`;
}

function permissionLines(permissions: readonly string[]): string {
  if (permissions.length === 0) return "It asks for no permissions.\n";
  return `It asks for these permissions:\n${permissions.map((one) => `  ${permissionSentence(one)}\n`).join("")}`;
}

function differenceLines({ added, dropped }: { added: string[]; dropped: string[] }): string {
  if (added.length === 0 && dropped.length === 0) return "It asks for the same permissions as before.\n";
  return [
    ...added.map((one) => `  now also: ${permissionSentence(one)}\n`),
    ...dropped.map((one) => `  no longer: ${permissionSentence(one)}\n`),
  ].join("");
}
