/**
 * The README's pictures, from a real agent that watched this machine for some minutes: calm, then busy, then calm again.
 * Needs the build and a Chromium. Run it on a machine with nothing private in its host name and disks.
 */
import { mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { startAgent } from "../test/support/agent.ts";
import { launchBrowser, openPage } from "../test/support/browser.ts";
import { keepBusy } from "../test/support/load.ts";
import { findChromium, NO_CHROMIUM } from "../test/support/machine.ts";
import { sleep } from "../test/support/wait.ts";

const CALM_S = 150;
const BUSY_S = 60;
const AFTER_S = 30;

/** File → how the page is opened for it. */
const PICTURES = {
  "now-light.png": { hash: "/now?last=5m", scheme: "light" },
  "now-dark.png": { hash: "/now?last=5m", scheme: "dark" },
  "plugins.png": { hash: "/plugins", scheme: "light" },
};

async function main() {
  if (findChromium() === null) throw new Error(NO_CHROMIUM);
  const folder = join(import.meta.dirname, "../docs/images");
  mkdirSync(folder, { recursive: true });

  const agent = await startAgent();
  let busy;
  const browser = await launchBrowser();
  try {
    console.log(`${agent.origin}: ${CALM_S} s calm, ${BUSY_S} s busy, ${AFTER_S} s calm`);
    await sleep(CALM_S * 1000);
    busy = keepBusy();
    await sleep(BUSY_S * 1000);
    busy.stop();
    await sleep(AFTER_S * 1000);

    for (const [name, options] of Object.entries(PICTURES)) {
      const { page, faults, close } = await openPage(browser, agent, { width: 1280, height: 900, ...options });
      await sleep(4000);
      const path = join(folder, name);
      await page.screenshot({ path });
      await close();
      if (faults.length > 0) throw new Error(`${name}: ${faults.join("; ")}`);
      console.log(`${path} ${(statSync(path).size / 1024).toFixed(0)} kB`);
    }
  } finally {
    busy?.stop();
    await browser.close();
    await agent[Symbol.asyncDispose]();
  }
}

await main();
