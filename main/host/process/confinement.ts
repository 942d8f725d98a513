import { execFile } from "node:child_process";
import { statSync } from "node:fs";
import { dirname } from "node:path";

/** `nobody` on Linux. */
const NOBODY = 65_534;
/** Address space that a bare Node process maps as data before a plugin asks for anything: 564 MB measured, and some air. */
const DATA_BASE_BYTES = 600 * 1024 * 1024;

/** What the system's own tools can enforce on a child here. Found out once. */
export interface Confinement {
  /** Arguments that make `unshare` give a child no network, or null. */
  readonly noNetwork: readonly string[] | null;
  readonly prlimit: boolean;
  readonly setpriv: boolean;
  readonly root: boolean;
}

let found: Promise<Confinement> | null = null;

/** Tries the tools once; nothing is enforced where there is no Linux. */
export function confinement(): Promise<Confinement> {
  return (found ??= probe());
}

async function probe(): Promise<Confinement> {
  if (process.platform !== "linux") return { noNetwork: null, prlimit: false, setpriv: false, root: false };
  const root = process.getuid?.() === 0;
  const unshare = root ? ["-n"] : ["-r", "-n"];
  const [net, prlimit, setpriv] = await Promise.all([
    runs("unshare", [...unshare, "true"]),
    runs("prlimit", [`--data=${DATA_BASE_BYTES}`, "true"]),
    runs("setpriv", ["--pdeathsig", "KILL", "--no-new-privs", "true"]),
  ]);
  return { noNetwork: net ? unshare : null, prlimit, setpriv, root };
}

/** Whether a program with these arguments does its work here. */
export function runs(program: string, args: readonly string[]): Promise<boolean> {
  return new Promise((resolve) => {
    execFile(program, args, { timeout: 2000 }, (error) => resolve(error === null));
  });
}

export interface Wish {
  readonly folder: string;
  readonly network: boolean;
  readonly memoryBytes: number;
}

/** The programs, each starting the next, that a child is started through, and what none of them can enforce. */
export function wrapping(tools: Confinement, wish: Wish): { prefix: string[]; limits: string[] } {
  const prefix: string[] = [];
  const limits: string[] = [];
  if (wish.network)
    limits.push("Connections that it opens itself are not limited to the addresses granted; what goes through ctx.fetch is.");
  else if (tools.noNetwork) prefix.push("unshare", ...tools.noNetwork);
  else limits.push("The network is not enforced on this system: it can open connections although it was granted none.");
  if (tools.prlimit) prefix.push("prlimit", `--data=${DATA_BASE_BYTES + wish.memoryBytes}`);
  else limits.push("No hard memory limit on this system: memory is watched up to four times a second.");
  if (tools.setpriv) prefix.push("setpriv", "--pdeathsig", "KILL", "--no-new-privs");
  if (tools.root) limits.push(...dropRoot(tools, wish.folder, prefix));
  else if (process.platform === "win32") limits.push("It runs as the agent's user and can end that user's other processes.");
  else limits.push("It runs as the agent's user and can send signals to that user's processes, the agent included.");
  return { prefix, limits };
}

/** Makes the child nobody. Where nobody cannot read the folder, the child may read past file modes and nothing else. */
function dropRoot(tools: Confinement, folder: string, prefix: string[]): string[] {
  if (!tools.setpriv) return ["The agent runs as root and so does this plugin: the program setpriv is missing."];
  const kept = readableByAll(folder) ? "-all" : "-all,+dac_read_search";
  prefix.push(`--reuid=${NOBODY}`, `--regid=${NOBODY}`, "--clear-groups");
  prefix.push(`--inh-caps=${kept}`, `--ambient-caps=${kept}`, `--bounding-set=${kept}`);
  return kept === "-all"
    ? []
    : [
        "Its folder is not readable for everybody, so it runs as nobody with root's right to read; Node's permission model alone limits what it reads.",
      ];
}

function readableByAll(folder: string): boolean {
  try {
    if ((statSync(folder).mode & 0o005) !== 0o005) return false;
    for (let path = dirname(folder); ; path = dirname(path)) {
      if ((statSync(path).mode & 0o001) === 0) return false;
      if (path === dirname(path)) return true;
    }
  } catch {
    return false;
  }
}
