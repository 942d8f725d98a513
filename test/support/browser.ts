/** A real Chromium on the page of a real agent. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import type { RunningAgent } from "./agent.ts";
import { CHROMIUM_ARGS, findChromium } from "./machine.ts";

/** Waiting for the page: a loaded machine is no failure. */
const PAGE_WITHIN_MS = 120_000;

const axeSource = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

export type Scheme = "light" | "dark";

export interface OpenOptions {
  readonly scheme?: Scheme;
  readonly width?: number;
  readonly height?: number;
  /** What follows the `#` of the address. */
  readonly hash?: string;
}

/** A page and everything that went wrong in it. */
export interface OpenPage {
  readonly page: Page;
  /** Console errors, uncaught errors and violations of the content policy, as one line each. */
  readonly faults: string[];
  readonly close: () => Promise<void>;
}

export async function launchBrowser(): Promise<Browser> {
  const executablePath = findChromium();
  if (executablePath === null) throw new Error("no Chromium on this machine");
  return chromium.launch({ executablePath, args: [...CHROMIUM_ARGS], timeout: PAGE_WITHIN_MS });
}

/** Opens the agent's page by the address that signs in, in a context of its own. */
export async function openPage(
  browser: Browser,
  agent: Pick<RunningAgent, "pageAddress">,
  options: OpenOptions = {},
): Promise<OpenPage> {
  const context: BrowserContext = await browser.newContext({
    viewport: { width: options.width ?? 1440, height: options.height ?? 1000 },
    colorScheme: options.scheme ?? "light",
    locale: "en-GB",
  });
  context.setDefaultTimeout(PAGE_WITHIN_MS);
  const page = await context.newPage();
  const faults: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error") faults.push(`console: ${message.text()}`);
  });
  page.on("pageerror", (error) => faults.push(`uncaught: ${error.message}`));
  await page.exposeFunction("alluseTestViolation", (text: string) => faults.push(`content policy: ${text}`));
  await page.addInitScript(() => {
    document.addEventListener("securitypolicyviolation", (event) => {
      const report = (window as unknown as { alluseTestViolation(text: string): Promise<void> }).alluseTestViolation;
      void report(`${event.violatedDirective} ${event.blockedURI}`);
    });
  });
  await page.goto(`${agent.pageAddress}${options.hash === undefined ? "" : `#${options.hash}`}`);
  return { page, faults, close: () => context.close() };
}

/** What axe finds against WCAG 2.2 A and AA: `rule: how often, first place`. Empty when nothing. */
export async function accessibilityFaults(page: Page): Promise<string[]> {
  // Evaluated, not added as a script: the page's content policy rightly refuses that.
  await page.evaluate(axeSource);
  return page.evaluate(async () => {
    interface Axe {
      run(
        root: Document,
        options: { runOnly: readonly string[] },
      ): Promise<{ violations: { id: string; help: string; nodes: { target: unknown[]; failureSummary?: string }[] }[] }>;
    }
    const { axe } = window as unknown as { axe: Axe };
    const { violations } = await axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"] });
    return violations.map(({ id, help, nodes }) => {
      const { target, failureSummary } = nodes[0];
      return `${id}: ${help} (${nodes.length}×, ${String(target[0])}: ${failureSummary?.replace(/\s+/g, " ") ?? ""})`;
    });
  });
}

/** Whether anything sticks out to the right of the window. */
export function overflowsSideways(page: Page): Promise<boolean> {
  return page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);
}
