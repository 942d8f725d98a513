import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { words } from "../../renderer/words.ts";
import { type RunningAgent, startAgent } from "../support/agent.ts";
import { accessibilityFaults, launchBrowser, openPage, overflowsSideways } from "../support/browser.ts";
import { findChromium, NO_CHROMIUM } from "../support/machine.ts";
import { sleep, until } from "../support/wait.ts";

const pictures = join(import.meta.dirname, "../../test-results/pages");
const PLACES = ["now", "advice", "plugins"];
/** A chart draws its first line with a few samples; this many seconds of them make it worth a look. */
const HISTORY_MS = 12_000;

let agent: RunningAgent;
let browser: Browser;

beforeAll(async () => {
  if (findChromium() === null) return;
  mkdirSync(pictures, { recursive: true });
  agent = await startAgent();
  browser = await launchBrowser();
  await sleep(HISTORY_MS);
});

afterAll(async () => {
  await browser?.close();
  await agent?.[Symbol.asyncDispose]();
});

beforeEach(({ skip }) => skip(findChromium() === null, NO_CHROMIUM));

/** The page has read everything and drawn. */
async function settled(page: Page): Promise<void> {
  await page.getByText(words.truth.connecting).waitFor({ state: "hidden" });
  // Charts are read when they come near the window: walk past all that are there now; others may come and go with the advice.
  await page.evaluate(async () => {
    for (const chart of document.querySelectorAll("figure")) {
      chart.scrollIntoView({ block: "center" });
      await new Promise((shown) => requestAnimationFrame(() => requestAnimationFrame(shown)));
    }
  });
  await page.getByText(words.chart.loading).first().waitFor({ state: "hidden" });
  await page.evaluate(() => scrollTo(0, 0));
  await sleep(500);
}

/** Of each canvas that is drawn on: a text that changes with its picture. */
function drawings(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const drawn: string[] = [];
    for (const canvas of document.querySelectorAll("canvas")) {
      if (canvas.width === 0 || canvas.height === 0) continue;
      const pixels = canvas.getContext("2d")!.getImageData(0, 0, canvas.width, canvas.height).data;
      let painted = 0;
      for (let i = 3; i < pixels.length; i += 4) if (pixels[i] > 0) painted++;
      if (painted > 50) drawn.push(canvas.toDataURL());
    }
    return drawn;
  });
}

describe("signing in", () => {
  test("by the printed address: the token leaves the address bar, and the browser is known from then on", async () => {
    const { page, faults, close } = await openPage(browser, agent);
    await settled(page);
    expect(page.url()).not.toContain(agent.token);
    await page.goto(`${agent.origin}/`);
    await settled(page);
    await page.getByRole("navigation", { name: words.places.label }).first().waitFor();
    expect(faults).toEqual([]);
    await close();
  });

  test("without the token the browser is told what to do, and sees nothing", async () => {
    const context = await browser.newContext();
    const page = await context.newPage();
    const response = await page.goto(`${agent.origin}/`);
    expect(response?.status()).toBe(401);
    expect(await page.locator("body").innerText()).toMatch(/alluse (start|status)/);
    expect(await page.content()).not.toContain("node_");
    await context.close();
  });
});

describe("charts", () => {
  test("there is one for each panel of the machine, and it is drawn", async () => {
    const { panels } = await agent.json<{ panels: { place?: string }[] }>("/api/agent/panels");
    const expected = panels.filter(({ place = "machine" }) => place === "machine").length;
    expect(expected).toBeGreaterThan(3);
    const { page, faults, close } = await openPage(browser, agent, { hash: "/now?last=5m", height: 4000 });
    await settled(page);
    await until("all charts to be drawn", 15_000, async () => (await drawings(page)).length >= expected);
    expect(faults).toEqual([]);
    await close();
  });

  test("they move with each new sample", async () => {
    const { page, close } = await openPage(browser, agent, { hash: "/now?last=5m" });
    await settled(page);
    const before = await until("a chart to be drawn", 15_000, async () => (await drawings(page))[0]);
    await until("a chart to change", 10_000, async () => (await drawings(page))[0] !== before);
    await close();
  });
});

describe("the list of plugins", () => {
  test("names each one", async () => {
    const { page, close } = await openPage(browser, agent, { hash: "/plugins", height: 2000 });
    await settled(page);
    const text = await page.locator("body").innerText();
    for (const { title } of await agent.plugins()) expect(text).toContain(title);
    await close();
  });
});

describe("the keyboard", () => {
  test("? shows the keys and Esc leaves them", async () => {
    const { page, close } = await openPage(browser, agent);
    await settled(page);
    await page.keyboard.press("?");
    const keys = page.getByRole("dialog", { name: words.help.title });
    await keys.waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
    await page.keyboard.press("Escape");
    await keys.waitFor({ state: "hidden" });
    await close();
  });

  test("g and a letter go to a place", async () => {
    const { page, close } = await openPage(browser, agent);
    await settled(page);
    for (const [letter, place] of [
      ["p", "plugins"],
      ["a", "advice"],
      ["n", "now"],
    ]) {
      // The second key counts for a moment only, which a slow machine may miss.
      await until(`the place ${place}`, 10_000, async () => {
        await page.keyboard.press("g");
        await page.keyboard.press(letter);
        return page.url().includes(`#/${place}`);
      });
    }
    await close();
  });

  test(". stands still and goes on, and the address says which", async () => {
    const { page, close } = await openPage(browser, agent, { hash: "/now?last=5m" });
    await settled(page);
    await page.keyboard.press(".");
    await page.waitForURL(/from=\d+&to=\d+/);
    await page.keyboard.press(".");
    await page.waitForURL(/last=5m/);
    await close();
  });

  test("/ finds a place by its name", async () => {
    const { page, close } = await openPage(browser, agent);
    await settled(page);
    await page.keyboard.press("/");
    await page.locator("dialog input:focus").waitFor();
    await page.keyboard.type(words.places.plugins);
    await page.getByRole("option", { name: words.places.plugins, selected: true }).waitFor();
    await page.keyboard.press("Enter");
    await page.waitForURL(/#\/plugins/);
    await close();
  });
});

describe.each(PLACES)("the place %s", (place) => {
  describe.each(["light", "dark"] as const)("in %s", (scheme) => {
    test.each([360, 1440, 2560])("at %i px: nothing sticks out, axe and the console have nothing to say", async (width) => {
      const { page, faults, close } = await openPage(browser, agent, { hash: `/${place}`, scheme, width });
      await settled(page);
      await page.screenshot({ path: join(pictures, `${place}-${scheme}-${width}.png`), fullPage: true });
      expect(await overflowsSideways(page)).toBe(false);
      expect(await accessibilityFaults(page)).toEqual([]);
      expect(faults).toEqual([]);
      await close();
    });
  });
});
