import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

/** A download that has not come by then is not waited for: the agent matters more than its window. */
const FETCH_WITHIN_MS = 120_000;

/** Why there is no window, in one phrase, or the path of Electron's binary. */
type Shell = { readonly electron: string } | { readonly reason: string };

function hasDisplay(): boolean {
  if (process.platform === "win32" || process.platform === "darwin") return true;
  return Boolean(process.env["DISPLAY"] || process.env["WAYLAND_DISPLAY"]);
}

/** Electron's binary as its package names it, or null when it has not been fetched. */
function binaryOf(folder: string): string | null {
  const pathFile = join(folder, "path.txt");
  if (!existsSync(pathFile)) return null;
  const binary = join(process.env["ELECTRON_OVERRIDE_DIST_PATH"] ?? join(folder, "dist"), readFileSync(pathFile, "utf8").trim());
  return existsSync(binary) ? binary : null;
}

/** Lets Electron's package fetch its binary, quietly. */
function fetchBinary(folder: string): Promise<void> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [join(folder, "install.js")], {
      stdio: "ignore",
      timeout: FETCH_WITHIN_MS,
      killSignal: "SIGKILL",
    });
    child.on("error", () => resolve());
    child.on("close", () => resolve());
  });
}

async function findShell(): Promise<Shell> {
  if (!hasDisplay()) return { reason: "no display" };
  if (process.platform === "linux" && process.getuid?.() === 0) return { reason: "Electron's sandbox does not run as root" };
  let folder: string;
  try {
    folder = dirname(createRequire(import.meta.url).resolve("electron/package.json"));
  } catch {
    return { reason: "Electron is not installed" };
  }
  const present = binaryOf(folder);
  if (present !== null) return { electron: present };
  if (process.env["ELECTRON_SKIP_BINARY_DOWNLOAD"]) return { reason: "Electron's binary is not there" };
  console.log("fetching Electron's binary once, for at most two minutes");
  await fetchBinary(folder);
  const fetched = binaryOf(folder);
  return fetched === null ? { reason: "Electron's binary is not there and cannot be fetched" } : { electron: fetched };
}

/**
 * Runs the desktop shell to its end. Resolves with its exit status, or with why Electron did not come up: the shell
 * itself always says at least one line on its standard output, whatever happens to it.
 */
function runDesktop(electron: string, args: readonly string[]): Promise<number | string> {
  const env = { ...process.env };
  delete env["ELECTRON_RUN_AS_NODE"];
  return new Promise((resolve) => {
    const root = join(import.meta.dirname, "../..");
    const child = spawn(electron, [root, ...args], { env, stdio: ["ignore", "pipe", "inherit"] });
    let spoke = false;
    child.stdout.on("data", (chunk: Buffer) => {
      spoke = true;
      process.stdout.write(chunk);
    });
    const pass = (signal: NodeJS.Signals): boolean => child.kill(signal);
    process.on("SIGINT", pass).on("SIGTERM", pass);
    child.on("error", (error) => resolve(error.message));
    child.on("close", (code, signal) => {
      process.off("SIGINT", pass).off("SIGTERM", pass);
      if (spoke || code === 0) resolve(code ?? 1);
      else resolve(`it ended with ${signal ?? `status ${String(code)}`}`);
    });
  });
}

/** Given first, no window is tried. The program itself gives it when it starts itself anew, see main/edge/lean.ts. */
const HEADLESS = "--headless";

async function main(args: string[]): Promise<number> {
  if (args[0] === HEADLESS) return runHeadless(args.slice(1));
  let shell = await findShell();
  if ("electron" in shell) {
    const ended = await runDesktop(shell.electron, args);
    if (typeof ended === "number") return ended;
    shell = { reason: `Electron does not start here (${ended})` };
  }
  console.log(`${shell.reason}: running headless`);
  return runHeadless(args);
}

async function runHeadless(args: string[]): Promise<number> {
  const { startLean } = await import("./edge/lean.ts");
  startLean(process.argv[1], [HEADLESS, ...args]);
  const { runStart } = await import("./edge/start.ts");
  return runStart(args, { readyWithToken: true });
}

// Everything is closed and written. Whatever a plugin left behind must not keep the process.
process.exit(await main(process.argv.slice(2)));
