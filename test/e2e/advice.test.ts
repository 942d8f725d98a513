import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { words } from "../../renderer/words.ts";
import { type RunningAgent, startAgent, temporaryFolder } from "../support/agent.ts";
import { launchBrowser, openPage } from "../support/browser.ts";
import { fillSteadily, type Load } from "../support/load.ts";
import { findChromium, mountTmpfs, NO_CHROMIUM, NO_MOUNT, unmount } from "../support/machine.ts";
import { until } from "../support/wait.ts";

const DISK_MB = 64;
/** 64 MB are full after about five minutes. */
const BYTES_PER_SECOND = 200_000;
/** From the start of a fresh agent, which has to learn first. */
const ADVICE_WITHIN_MS = 180_000;

let disk: string;
let mounted = false;
let filling: Load | undefined;
let agent: RunningAgent | undefined;

beforeAll(async () => {
  disk = temporaryFolder();
  mounted = findChromium() !== null && mountTmpfs(disk, DISK_MB);
  if (!mounted) return;
  agent = await startAgent();
  filling = fillSteadily(disk, BYTES_PER_SECOND);
});

afterAll(async () => {
  filling?.stop();
  await agent?.[Symbol.asyncDispose]();
  if (mounted) unmount(disk);
  rmSync(disk, { recursive: true, force: true });
});

test(
  "a card says what will be full and why, and leaves when it is dismissed",
  { timeout: ADVICE_WITHIN_MS + 60_000 },
  async ({ skip }) => {
    skip(findChromium() === null, NO_CHROMIUM);
    skip(!mounted, NO_MOUNT);
    if (agent === undefined) throw new Error("no agent");
    const running = agent;
    await using browser = await launchBrowser();
    const { page, faults } = await openPage(browser, running, { hash: "/now?last=5m" });

    const advice = await until("advice about the disk", ADVICE_WITHIN_MS, async () =>
      (await running.recommendations()).find(({ key, status }) => status === "open" && key === `disk:${disk}:space`),
    );
    // It comes by the stream: the page is not loaded again.
    const card = page.getByRole("article").filter({ hasText: disk }).first();
    await card.waitFor();
    // Its numbers go on: the card shows the newest wording.
    await until("the card to say what to do", 20_000, async () => {
      const open = (await running.recommendations()).find(({ id }) => id === advice.id);
      return (await card.innerText()).includes(open?.action.text ?? advice.action.text);
    });

    await card.getByRole("button", { name: words.cards.why }).click();
    await card.getByText(words.cards.method).first().waitFor();
    await page.screenshot({ path: join(import.meta.dirname, "../../test-results/advice.png"), fullPage: true });

    await card.getByRole("button", { name: words.cards.notNow }).click();
    await page.getByLabel(words.dismiss.reasons[0]).check();
    await page.getByRole("button", { name: words.dismiss.confirm }).click();
    await card.waitFor({ state: "hidden" });
    await until("the agent to know", 5000, async () =>
      (await running.recommendations()).find(({ id, status }) => id === advice.id && status === "dismissed"),
    );
    expect(faults).toEqual([]);
  },
);
