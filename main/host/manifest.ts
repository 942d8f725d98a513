import { readFile, stat } from "node:fs/promises";
import { isAbsolute, join } from "node:path";
import {
  AgentError,
  API_OLDEST,
  API_VERSION,
  errorText,
  KIND_FOLDER,
  type Manifest,
  manifestSchema,
  permissionFault,
} from "all-use-agent/sdk";
import { configSchemaProblems } from "./config/schema-check.ts";
import { settleConfig } from "./plugin-config.ts";
import { schemaProblems } from "./schema.ts";
import { settleStrategy } from "./strategy/settle.ts";

/** A manifest is a page of text; anything larger is a mistake or an attack. */
const MANIFEST_MAX_BYTES = 256 * 1024;

/**
 * Reads and checks a plugin's `plugin.json` without loading any of its code.
 * Throws `manifest_missing`, `manifest_unreadable`, `manifest_invalid`, `api_too_new`, `api_too_old`, each naming the place.
 */
export async function readManifest(folder: string): Promise<Manifest> {
  const path = join(folder, "plugin.json");
  return checkManifest(parse(await readText(path), path), path);
}

/** Checks what was read. `path` is only for the messages. */
export function checkManifest(value: unknown, path: string): Manifest {
  // First of all: what another contract may say, this schema does not know.
  checkApi((value as { api?: unknown } | null)?.api, path);
  let problems = [
    ...schemaProblems(manifestSchema, value).filter(({ where }) => !where.startsWith("/permissions/")),
    ...permissionProblems(value),
  ];
  if (problems.length === 0) problems = configSchemaProblems(value as Manifest);
  if (problems.length > 0) {
    const shown = problems.slice(0, 3).map(({ where, message }) => `${where}: ${message}`);
    const more = problems.length > shown.length ? ` (and ${problems.length - shown.length} more)` : "";
    throw new AgentError("manifest_invalid", `${path} is not a valid manifest: ${shown.join("; ")}${more}`, {
      where: problems[0].where,
    });
  }
  const manifest = value as Manifest;
  const expected = KIND_FOLDER[manifest.kind];
  if (manifest.id.split("/")[0] !== expected) {
    throw new AgentError(
      "manifest_invalid",
      `${path}: the id of a ${manifest.kind} begins with ${expected}/, found ${JSON.stringify(manifest.id)}`,
      { where: "/id" },
    );
  }
  if (manifest.edge && manifest.kind !== "analytics" && manifest.kind !== "exporter")
    throw new AgentError(
      "manifest_invalid",
      `${path}: only analytics and exporters say what their edge is, found a ${manifest.kind}`,
      {
        where: "/edge",
      },
    );
  if (manifest.isolation === "exec" || manifest.exec) checkExec(manifest, path);
  checkStrategy(manifest, path);
  if (manifest.entry?.split("/").includes("..")) {
    throw new AgentError(
      "manifest_invalid",
      `${path}: entry must lie inside the plugin's folder, found ${JSON.stringify(manifest.entry)}`,
      { where: "/entry" },
    );
  }
  return manifest;
}

/** A default that nobody could have set is none. Throws `manifest_invalid`. */
function checkStrategy(manifest: Manifest, path: string): void {
  if (manifest.strategy === undefined) return;
  const [problem] = settleStrategy(manifest, { manifest: manifest.strategy }, defaultInterval(manifest)).problems;
  if (!problem) return;
  throw new AgentError("manifest_invalid", `${path} is not a valid manifest: ${problem.where}: ${problem.message}`, {
    where: problem.where,
  });
}

function defaultInterval(manifest: Manifest): unknown {
  return settleConfig(manifest, {}, { dataDir: "/", secretsMayMiss: true }).config["interval_ms"];
}

/** What the schema cannot say of a plugin that is a program. Throws `manifest_invalid`. */
function checkExec({ isolation, exec, kind, entry, routes }: Manifest, path: string): void {
  const refuse = (where: string, message: string): AgentError =>
    new AgentError("manifest_invalid", `${path} is not a valid manifest: ${where}: ${message}`, { where });
  if (isolation !== "exec") throw refuse("/exec", `a program is run only with "isolation": "exec"`);
  if (kind !== "collector") throw refuse("/kind", `with isolation exec expected "collector", found ${JSON.stringify(kind)}`);
  if (entry !== undefined)
    throw refuse("/entry", `with isolation exec the program is named by exec.command, found ${JSON.stringify(entry)}`);
  if (routes?.length) throw refuse("/routes", "with isolation exec there is no code that could answer a route");
  const program = exec?.command[0] ?? "";
  const inFolder = /^\.[\\/]/.test(program);
  if (program.split(/[\\/]/).includes("..") || (/[\\/]/.test(program) && !inFolder && !isAbsolute(program)))
    throw refuse(
      "/exec/command/0",
      `expected a program's name, "./name" in the plugin's folder or an absolute path, found ${JSON.stringify(program)}${/[\\/]/.test(program) && !program.includes("..") ? `, did you mean ${JSON.stringify(`./${program}`)}?` : ""}`,
    );
}

/** The schema knows the classes, this the forms; one of the two speaks. */
function permissionProblems(value: unknown): { where: string; message: string }[] {
  const permissions = (value as { permissions?: unknown } | null)?.permissions;
  if (!Array.isArray(permissions)) return [];
  return permissions.flatMap((permission: unknown, i) => {
    const message = permissionFault(permission);
    return message === null ? [] : [{ where: `/permissions/${i}`, message }];
  });
}

/** Whether a contract is served. What is no whole number is left to the schema. Throws `api_too_new`, `api_too_old`. */
export function checkApi(api: unknown, path: string, served = { oldest: API_OLDEST, newest: API_VERSION }): void {
  if (!Number.isInteger(api) || (api as number) < 1) return;
  const { oldest, newest } = served;
  const serves = oldest === newest ? `only api ${newest}` : `api ${oldest} to ${newest}`;
  const found = `${path} is written for plugin api ${api as number}, and this agent serves ${serves}`;
  if ((api as number) > newest)
    throw new AgentError("api_too_new", `${found}: update the agent, or add an older version of the plugin`, { where: "/api" });
  if ((api as number) < oldest)
    throw new AgentError("api_too_old", `${found}: add a newer version of the plugin`, { where: "/api" });
}

async function readText(path: string): Promise<string> {
  try {
    const { size } = await stat(path);
    if (size > MANIFEST_MAX_BYTES)
      throw new AgentError("manifest_unreadable", `${path} has ${size} bytes; a manifest has at most ${MANIFEST_MAX_BYTES}`);
    return await readFile(path, "utf8");
  } catch (error) {
    if (error instanceof AgentError) throw error;
    const missing = (error as NodeJS.ErrnoException).code === "ENOENT";
    throw new AgentError(missing ? "manifest_missing" : "manifest_unreadable", `${path} cannot be read: ${errorText(error)}`, {
      cause: error,
    });
  }
}

function parse(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new AgentError("manifest_unreadable", `${path} is not JSON: ${errorText(error)}`, { cause: error });
  }
}
