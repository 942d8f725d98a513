import { lstat, mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { AgentError, errorText, KIND_FOLDER, PLUGIN_KINDS, type PluginKind } from "all-use-agent/sdk";
import { builtSdk } from "../../agent/paths.ts";
import { folderOf, writeEntries } from "../../host/package/install.ts";
import { nearest } from "../../host/nearest.ts";
import { linkSdk } from "../../host/sdk-link.ts";
import { dataDirOf } from "../data-dir.ts";
import { PROGRAM_LANGUAGES, programFiles, type ProgramLanguage } from "../template/exec.ts";
import { pluginFiles } from "../template/folder.ts";
import type { Language } from "../template/shape.ts";
import { DATA_DIR_OPTION, DONE, expectPositionals, parseCommand, UsageError } from "../usage.ts";
import { rootsOf, whenItCounts } from "./place.ts";

const NAME = /^[a-z][a-z0-9-]{0,62}$/;

/** What an author of the kind would else wonder about when nothing seems to happen. */
const GOOD_TO_KNOW: Partial<Record<PluginKind, string>> = {
  processor: 'It sees only metrics that plugin.json grants: "permissions": ["metrics:read:debug_*"].',
  storage: "The agent keeps documents in storage/documents while that runs: alluse plugin disable storage/documents makes room.",
  model: "The agent forecasts with models/forecast while that runs: alluse plugin disable models/forecast makes room.",
};

/** `alluse plugin new --kind K NAME [--language js|ts|python|sh] [--dir D]` */
export async function newPlugin(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseCommand(args, {
    ...DATA_DIR_OPTION,
    kind: { type: "string" },
    language: { type: "string" },
    dir: { type: "string" },
  });
  expectPositionals(positionals, ["The plugin's name"]);
  const [name] = positionals;
  const kind = kindOf(values.kind);
  const language = languageOf(values.language, kind);
  if (!NAME.test(name)) throw new UsageError(`A name is lower-case letters, digits and dashes, found ${JSON.stringify(name)}.`);
  const dataDir = dataDirOf(values["data-dir"]);
  const { installed } = rootsOf(dataDir);
  const id = `${KIND_FOLDER[kind]}/${name}`;
  const target = values.dir === undefined ? folderOf(id, installed) : resolve(values.dir);
  const isProgram = language === "python" || language === "sh";
  await write(target, isProgram ? programFiles(name, language) : pluginFiles(kind, name, language));
  if (values.dir === undefined) await linkSdk(installed, pathToFileURL(builtSdk()).href);
  const next =
    values.dir === undefined ? await whenItCounts(dataDir) : `alluse plugin add ${target} puts it where the agent finds it.`;
  process.stdout.write(
    `${id} is in ${target}. ${next}\nalluse plugin test ${target} ${isProgram ? "runs it and checks what it prints" : "runs the conformance kit"}.\n`,
  );
  const advice = GOOD_TO_KNOW[kind];
  if (advice !== undefined) process.stdout.write(`${advice}\n`);
  return DONE;
}

function kindOf(given: string | undefined): PluginKind {
  const kind = PLUGIN_KINDS.find((known) => known === given);
  if (kind !== undefined) return kind;
  if (given === undefined) throw new UsageError(`--kind is missing; it is one of ${PLUGIN_KINDS.join(", ")}.`);
  const close = nearest(given, PLUGIN_KINDS);
  throw new UsageError(
    `--kind must be one of ${PLUGIN_KINDS.join(", ")}, found ${JSON.stringify(given)}${close === null ? "" : `; did you mean ${close}?`}`,
  );
}

function languageOf(given = "js", kind: PluginKind): Language | ProgramLanguage {
  const program = PROGRAM_LANGUAGES.find((one) => one === given);
  if (program !== undefined && kind !== "collector")
    throw new UsageError(`--language ${program} is for collectors; the kind ${kind} is written in js or ts.`);
  if (program !== undefined) return program;
  if (given !== "js" && given !== "ts")
    throw new UsageError(`--language must be js, ts, python or sh, found ${JSON.stringify(given)}.`);
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (given === "ts" && (major < 22 || (major === 22 && minor < 18)))
    throw new UsageError(`--language ts needs Node.js 22.18 or newer to run without a build, found ${process.versions.node}.`);
  return given;
}

/** The whole folder or nothing. Throws `folder_exists`. */
async function write(target: string, files: Readonly<Record<string, string>>): Promise<void> {
  const there = await lstat(target).then(
    () => true,
    () => false,
  );
  if (there) throw new AgentError("folder_exists", `${target} is already there: choose another name or folder`);
  try {
    await mkdir(dirname(target), { recursive: true, mode: 0o700 });
    const draft = await mkdtemp(join(dirname(target), ".new-"));
    try {
      await writeEntries(
        draft,
        Object.entries(files).map(([path, text]) => ({ path, bytes: Buffer.from(text) })),
      );
      await rename(draft, target);
    } finally {
      await rm(draft, { recursive: true, force: true });
    }
  } catch (error) {
    throw new AgentError("folder_unwritable", `${target} cannot be written: ${errorText(error)}`, {
      where: target,
      cause: error,
    });
  }
}
