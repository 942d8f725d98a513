import { execFile } from "node:child_process";
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";

/**
 * What `npm start` decides, with a program of our own in Electron's place: `npm start` looks for Electron where its package
 * says, so a checkout of links with a package of that name is enough.
 */
const root = join(import.meta.dirname, "../..");
const BUILT_START = join(root, "out/main/start.js");
const NOBODY = 65_534;

/** Whether somebody who owns nothing here may run the program. */
function othersMayRun(program: string): boolean {
  for (let path = program; path !== dirname(path); path = dirname(path)) if ((statSync(path).mode & 0o001) === 0) return false;
  return true;
}

function cannotRun(): string | null {
  if (!existsSync(BUILT_START)) return "not built (npm run build)";
  if (process.platform === "win32") return "its stand-ins for Electron are shell scripts";
  if (process.getuid?.() !== 0 || othersMayRun(realpathSync(process.execPath))) return null;
  return "Electron is not started as root, and nobody else may run this Node.js";
}

const reason = cannotRun();

beforeEach(({ skip }) => skip(reason !== null, reason ?? ""));

describe("npm start", () => {
  const checkout = realpathSync(mkdtempSync(join(tmpdir(), "alluse-start-")));
  const electron = join(checkout, "node_modules/electron");

  beforeAll(() => {
    if (reason !== null) return;
    chmodSync(checkout, 0o777);
    mkdirSync(electron, { recursive: true });
    chmodSync(electron, 0o777);
    cpSync(join(root, "out/main"), join(checkout, "out/main"), { recursive: true });
    cpSync(join(root, "package.json"), join(checkout, "package.json"));
    writeFileSync(join(electron, "package.json"), '{"name":"electron","version":"0.0.0"}');
  });

  afterAll(() => rmSync(checkout, { recursive: true, force: true }));

  beforeEach(() => {
    for (const name of ["dist", "path.txt", "install.js"]) rmSync(join(electron, name), { recursive: true, force: true });
  });

  /** Electron's binary is this shell script. */
  function giveBinary(script: string): void {
    mkdirSync(join(electron, "dist"), { recursive: true });
    writeFileSync(join(electron, "dist/electron"), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    writeFileSync(join(electron, "path.txt"), "electron");
  }

  interface Ended {
    readonly status: number;
    readonly stdout: string;
  }

  /** Runs it as somebody other than root, asking the headless agent only for its bad usage, which is quick. */
  function start(env: Readonly<Record<string, string>>, args: readonly string[] = ["--port", "headless"]): Promise<Ended> {
    const user = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};
    return new Promise((resolve) => {
      execFile(
        process.execPath,
        [join(checkout, "out/main/start.js"), ...args],
        { env: { PATH: process.env.PATH ?? "", ...env }, timeout: 120_000, ...user },
        (error, stdout, stderr) => resolve({ status: error === null ? 0 : Number(error.code), stdout: stdout + stderr }),
      );
    });
  }

  /** The headless agent was run and found its usage bad. */
  const HEADLESS = { status: 2, stdout: expect.stringContaining("alluse start: --port must be a number") as string };

  test("runs headless without a display, and says so", async () => {
    giveBinary("echo window");
    const ended = await start({});
    expect(ended).toEqual(HEADLESS);
    expect(ended.stdout).toMatch(/^no display: running headless$/m);
  });

  test("opens the desktop shell where there are a display and a binary, and ends with its status", async () => {
    giveBinary('echo "ready alluse://app/ $*"; exit 3');
    const ended = await start({ DISPLAY: ":0" }, ["--data-dir", "/x"]);
    expect(ended).toEqual({ status: 3, stdout: `ready alluse://app/ ${checkout} --data-dir /x\n` });
  });

  test("runs headless when Electron does not come up", async () => {
    giveBinary('echo "no sandbox" >&2; kill -TRAP $$');
    const ended = await start({ WAYLAND_DISPLAY: "wayland-0" });
    expect(ended).toEqual(HEADLESS);
    expect(ended.stdout).toMatch(/^Electron does not start here \(it ended with SIGTRAP\): running headless$/m);
  });

  test("runs headless when the binary is no program", async () => {
    giveBinary("");
    chmodSync(join(electron, "dist/electron"), 0o644);
    const ended = await start({ DISPLAY: ":0" });
    expect(ended).toEqual(HEADLESS);
    expect(ended.stdout).toMatch(/^Electron does not start here \(spawn .* EACCES\): running headless$/m);
  });

  test("fetches the binary once, quietly, and opens the window", async () => {
    writeFileSync(
      join(electron, "install.js"),
      `console.log("noise"); console.error("noise");
       const { mkdirSync, writeFileSync } = require("node:fs");
       mkdirSync(__dirname + "/dist");
       writeFileSync(__dirname + "/dist/electron", "#!/bin/sh\\necho ready alluse://app/\\n", { mode: 0o755 });
       writeFileSync(__dirname + "/path.txt", "electron");`,
    );
    expect(await start({ DISPLAY: ":0" })).toEqual({
      status: 0,
      stdout: "fetching Electron's binary once, for at most two minutes\nready alluse://app/\n",
    });
  });

  test("runs headless when the binary cannot be fetched, or is not to be", async () => {
    writeFileSync(join(electron, "install.js"), 'console.error("offline"); process.exit(1);');
    const ended = await start({ DISPLAY: ":0" });
    expect(ended).toEqual(HEADLESS);
    expect(ended.stdout).toMatch(/^Electron's binary is not there and cannot be fetched: running headless$/m);
    const forbidden = await start({ DISPLAY: ":0", ELECTRON_SKIP_BINARY_DOWNLOAD: "1" });
    expect(forbidden.stdout).toMatch(/^Electron's binary is not there: running headless$/m);
    expect(forbidden.stdout).not.toContain("fetching");
  });

  test("runs headless where Electron is not installed", async () => {
    rmSync(electron, { recursive: true });
    const ended = await start({ DISPLAY: ":0" });
    expect(ended).toEqual(HEADLESS);
    expect(ended.stdout).toMatch(/^Electron is not installed: running headless$/m);
  });
});
