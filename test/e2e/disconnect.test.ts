import { rmSync } from "node:fs";
import { afterAll, expect, test } from "vitest";
import { startAgent, temporaryFolder } from "../support/agent.ts";
import { launchBrowser, openPage } from "../support/browser.ts";
import { findChromium, NO_CHROMIUM } from "../support/machine.ts";
import { sleep } from "../support/wait.ts";

const LOST = /Disconnected/;
const dataDir = temporaryFolder();
afterAll(() => rmSync(dataDir, { recursive: true, force: true }));

test("the page says when the agent is gone, stays readable, and catches up by itself when it is back", async ({ skip }) => {
  skip(findChromium() === null, NO_CHROMIUM);
  await using agent = await startAgent({ dataDir });
  const { port } = agent;
  await using browser = await launchBrowser();
  await sleep(5000);
  const { page, faults } = await openPage(browser, agent, { hash: "/now?last=5m" });
  await page.locator("canvas").first().waitFor();
  await page.evaluate(() => {
    document.body.dataset["sameDocument"] = "yes";
  });

  await agent.kill();
  await page.getByText(LOST).first().waitFor();
  expect(await page.locator("canvas").count()).toBeGreaterThan(0);

  await using _again = await startAgent({ dataDir, port });
  await page.getByText(LOST).first().waitFor({ state: "hidden" });
  expect(await page.evaluate(() => document.body.dataset["sameDocument"])).toBe("yes");

  // The browser itself reports what it could not reach; everything else is a fault.
  expect(
    faults.filter(
      (fault) => !/ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE/.test(fault),
    ),
  ).toEqual([]);
});
