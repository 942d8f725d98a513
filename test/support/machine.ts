/** What this machine can and cannot run. A test that needs more says so: `test(name, ({ skip }) => { skip(!isLinux, NOT_LINUX); … })`. */
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";

export const isLinux = process.platform === "linux";
export const NOT_LINUX = "needs Linux (/proc)";

const CHROMIUM_PATHS = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/snap/bin/chromium",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

/** Path of a Chromium, from $ALLUSE_CHROMIUM or the usual places; null when there is none. */
export function findChromium(): string | null {
  const named = process.env["ALLUSE_CHROMIUM"];
  return (named === undefined ? CHROMIUM_PATHS : [named]).find((path) => existsSync(path)) ?? null;
}

export const NO_CHROMIUM = "no Chromium (install Debian's `chromium`, or name one in ALLUSE_CHROMIUM)";

/** For a browser under test: no sandbox as root in a container, and no traffic of its own. */
export const CHROMIUM_ARGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Other Node.js binaries that the agent supports: those named in $ALLUSE_OTHER_NODES (a path list), or the host's own. */
export function findOtherNodes(): string[] {
  const named = process.env["ALLUSE_OTHER_NODES"];
  const paths = named === undefined ? ["/usr/bin/node", "/usr/local/bin/node"] : named.split(":");
  return paths.filter((path) => {
    if (!existsSync(path)) return false;
    const [major = 0, minor = 0] = execFileSync(path, ["-p", "process.versions.node"], { encoding: "utf8" })
      .split(".")
      .map(Number);
    const supported = major > 20 || (major === 20 && minor >= 19);
    return supported && major !== Number(process.versions.node.split(".")[0]);
  });
}

/** Mounts a small disk in memory; null, where this process may not mount. The caller unmounts with `unmount`. */
export function mountTmpfs(folder: string, sizeMb: number): boolean {
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${sizeMb}m`, "alluse-test", folder], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

export const NO_MOUNT = "may not mount a disk in memory (needs root)";

export function unmount(folder: string): void {
  execFileSync("umount", [folder], { stdio: "ignore" });
}
