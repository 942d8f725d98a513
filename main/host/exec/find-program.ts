import { accessSync, chmodSync, constants, statSync } from "node:fs";
import { delimiter, dirname, isAbsolute, join } from "node:path";
import { AgentError } from "all-use-agent/sdk";

export interface Search {
  /** The plugin's folder. */
  readonly folder: string;
  /** It will run as another user: only what everybody may run counts. */
  readonly asNobody?: boolean;
  readonly path?: string;
}

/**
 * The file of an exec plugin's program: one of its folder, an absolute path, or what PATH finds. One of the folder is made
 * executable where it is not: a packed plugin carries no modes. Throws `program_missing`.
 */
export function findProgram(name: string, { folder, asNobody = false, path = process.env["PATH"] ?? "" }: Search): string {
  if (/^\.[\\/]/.test(name)) {
    const file = join(folder, name);
    if (!isFile(file))
      throw missing(`the program ${name} is not in the plugin's folder ${folder}: put it there or mend exec.command`);
    if (!isExecutable(file)) chmodSync(file, statSync(file).mode | 0o100);
    return file;
  }
  const usable = (file: string): boolean => isFile(file) && (asNobody ? everybodyRuns(file) : isExecutable(file));
  const endings = process.platform === "win32" ? ["", ...(process.env["PATHEXT"] ?? ".EXE;.CMD").split(";")] : [""];
  const places = isAbsolute(name) ? [""] : path.split(delimiter).filter((place) => place !== "");
  const files = places.flatMap((place) => endings.map((ending) => (place === "" ? name : join(place, name + ending))));
  const found = files.find(usable);
  if (found !== undefined) return found;
  const there = files.find(isFile);
  if (there !== undefined)
    throw missing(
      `the program ${there} cannot be run by ${asNobody ? "the user nobody, as whom programs run where the agent is root" : "the agent's user"}: mend its modes, or name another in exec.command`,
    );
  throw missing(
    isAbsolute(name)
      ? `there is no program ${name}: install it, or name another in exec.command of plugin.json`
      : `the program ${name} is not installed here, or not on the agent's PATH: install it, or name another in exec.command of plugin.json`,
  );
}

/** Whether a folder, or a file's folder, can be entered by every user. */
export function everybodyEnters(folder: string): boolean {
  for (let path = folder; ; path = dirname(path)) {
    if ((statSync(path).mode & 0o001) === 0) return false;
    if (path === dirname(path)) return true;
  }
}

function everybodyRuns(file: string): boolean {
  return (statSync(file).mode & 0o001) !== 0 && everybodyEnters(dirname(file));
}

function missing(message: string): AgentError {
  return new AgentError("program_missing", message, { where: "/exec/command/0" });
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
