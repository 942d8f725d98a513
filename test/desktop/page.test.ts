import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { CHROMIUM_ARGS, findChromium, NO_CHROMIUM } from "../support/machine.ts";
import { BUILT_PRELOAD, cannotRun, Shell } from "./shell.ts";

/** A loaded machine is no failure. */
const PAGE_WITHIN_MS = 120_000;
const executablePath = findChromium();
const reason = cannotRun() ?? (executablePath === null ? NO_CHROMIUM : null);

/** The built preload script as Electron runs it: before the page, with nothing but `contextBridge` to reach it. */
function preloadScript(): string {
  return `(() => {
    const contextBridge = { exposeInMainWorld: (name, value) => Object.defineProperty(window, name, { value: Object.freeze(value) }) };
    const require = (name) => {
      if (name !== "electron") throw new Error("a sandboxed preload script may not load " + name);
      return { contextBridge };
    };
    const process = { platform: ${JSON.stringify(process.platform)} };
    ${readFileSync(BUILT_PRELOAD, "utf8")}
  })();`;
}

beforeEach(({ skip }) => skip(reason !== null, reason ?? ""));

describe("main, preload and page of the desktop shell together, in Chromium", () => {
  const dataDir = mkdtempSync(join(tmpdir(), "alluse-desktop-"));
  const faults: string[] = [];
  let shell: Shell;
  let browser: Browser;
  let page: Page;
  let origin: string;

  beforeAll(async () => {
    if (executablePath === null || reason !== null) return;
    shell = await new Shell([`--data-dir=${dataDir}`, "alluse://app/#/plugins"]).ready();
    origin = await shell.ask("serve");
    browser = await chromium.launch({ executablePath, args: [...CHROMIUM_ARGS], timeout: PAGE_WITHIN_MS });
    page = await browser.newPage();
    page.setDefaultTimeout(PAGE_WITHIN_MS);
    page.on("console", (message) => message.type() === "error" && faults.push(message.text()));
    page.on("pageerror", (error) => faults.push(error.message));
    await page.addInitScript(preloadScript());
    const { windows } = await shell.ask("state");
    await page.goto(windows[0].urls[0].replace("alluse://app", origin));
  });

  afterAll(async () => {
    await browser?.close();
    await shell?.quit();
    rmSync(dataDir, { recursive: true, force: true });
  });

  test("the window opens at the place of the link that started the shell, signed in without a token", async () => {
    await page.waitForSelector("text=Time series store");
    expect(new URL(page.url()).hash).toBe("#/plugins");
    expect(await page.context().cookies()).toEqual([]);
  });

  test("the preload script shows the page what its shell is, and nothing else", async () => {
    const { version } = JSON.parse(readFileSync(join(import.meta.dirname, "../../package.json"), "utf8")) as { version: string };
    const shown = await page.evaluate(() => {
      const { alluse, require, process, module } = window as unknown as Record<string, unknown>;
      return { alluse, others: [typeof require, typeof process, typeof module] };
    });
    expect(shown).toEqual({
      alluse: { platform: process.platform, version, shell: "desktop" },
      others: ["undefined", "undefined", "undefined"],
    });
  });

  test("live data streams through the protocol handler", async () => {
    const events = await page.evaluate(async () => {
      const answer = await fetch("/api/agent/stream");
      const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader();
      let text = "";
      while ((text.match(/^event: tick$/gm)?.length ?? 0) < 2) {
        const { value, done } = await reader.read();
        if (done) break;
        text += value;
      }
      await reader.cancel();
      return { type: answer.headers.get("content-type"), ticks: text.match(/^event: tick$/gm)?.length };
    });
    expect(events.type).toContain("text/event-stream");
    expect(events.ticks).toBe(2);
  });

  test("the page may send changes, which reach the door as its own", async () => {
    const answer = await page.evaluate(async () => {
      const response = await fetch("/api/agent/recommendations/unknown/dismiss", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ reason: "a test" }),
      });
      return { status: response.status, body: (await response.json()) as unknown };
    });
    expect(answer).toMatchObject({ status: 404, body: { error: { code: "recommendation_unknown" } } });
  });

  test("a strict content policy stands, and the page keeps to it", async () => {
    faults.length = 0;
    await page.goto(`${origin}/#/now`);
    const policy = (await page.reload())?.headers()["content-security-policy"] ?? "";
    expect(policy).toMatch(/default-src '(none|self)'/);
    expect(policy).not.toContain("unsafe");
    await page.waitForSelector("canvas");
    expect(faults).toEqual([]);
  });
});
