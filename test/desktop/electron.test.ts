import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { _electron } from "playwright-core";
import { expect, test } from "vitest";
import { BUILT_MAIN } from "./shell.ts";

const root = join(import.meta.dirname, "../..");
const pathFile = join(root, "node_modules/electron/path.txt");

function binary(): string | null {
  if (!existsSync(pathFile)) return null;
  const path = join(root, "node_modules/electron/dist", readFileSync(pathFile, "utf8").trim());
  return existsSync(path) ? path : null;
}

function cannotRun(): string | null {
  if (binary() === null) return "Electron's binary is not there (node_modules/electron/path.txt)";
  if (!existsSync(BUILT_MAIN)) return "not built (npm run build)";
  if (process.platform === "linux" && !process.env.DISPLAY && !process.env.WAYLAND_DISPLAY) return "no display for Electron";
  return process.getuid?.() === 0 ? "Electron's sandbox does not run as root" : null;
}

test("the real Electron opens the page, live, behind its own scheme, and quits cleanly", async ({ skip }) => {
  const reason = cannotRun();
  skip(reason !== null, reason ?? "");
  const dataDir = mkdtempSync(join(tmpdir(), "alluse-electron-"));
  try {
    const app = await _electron.launch({ executablePath: binary() ?? "", args: [root, `--data-dir=${dataDir}`] });
    const page = await app.firstWindow();
    await page.waitForSelector("canvas");
    expect(page.url()).toMatch(/^alluse:\/\/app\//);
    expect(await page.evaluate(() => (window as unknown as { alluse: { shell: string } }).alluse.shell)).toBe("desktop");
    expect(await page.evaluate(() => typeof (window as unknown as { require: unknown }).require)).toBe("undefined");
    await app.close();
    expect(existsSync(join(dataDir, "agent.lock"))).toBe(false);
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
});
