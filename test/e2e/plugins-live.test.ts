/** The plugins' place of the page with the real agent behind it: what a fixture cannot show is that both mean the same. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { PluginDetail } from "all-use-agent/sdk";
import type { Browser, Locator } from "playwright-core";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { pluginWords } from "../../renderer/words-plugin.ts";
import { runCommand, startAgent, temporaryFolder } from "../support/agent.ts";
import { launchBrowser, openPage } from "../support/browser.ts";
import { findChromium, NO_CHROMIUM } from "../support/machine.ts";
import { until } from "../support/wait.ts";

const { form, actions, permissions, install, instances, remove } = pluginWords;
const WITHIN_MS = 60_000;
const SECRET = "correct horse battery";

const MANIFEST = {
  id: "collectors/tide",
  version: "1.0.0",
  api: 1,
  kind: "collector",
  entry: "index.mjs",
  title: "Tide",
  stability: "beta",
  permissions: ["exec:echo"],
  config: {
    type: "object",
    properties: {
      harbour: { type: "string", minLength: 2, default: "Hamburg", title: "Harbour" },
      pause: { type: "string", format: "duration", default: "2s", title: "Pause" },
      password: { type: "string", format: "secret", title: "Password" },
    },
  },
  metrics: { tide_level: { type: "gauge", help: "The level." } },
};
const CODE = `import { createBatch } from "all-use-agent/sdk";
export default (ctx, config) => {
  const batch = createBatch(1);
  batch.length = 1;
  batch.series[0] = ctx.series("tide_level", { harbour: config.harbour, told: String(config.password !== undefined) });
  ctx.log.info("the password is " + config.password);
  return { collect() { batch.timestamps[0] = ctx.clock.now(); batch.values[0] = config.pause; ctx.emit(batch); } };
};`;

let browser: Browser;

beforeAll(async () => {
  if (findChromium() !== null) browser = await launchBrowser();
});
afterAll(() => browser?.close());
beforeEach(({ skip }) => skip(findChromium() === null, NO_CHROMIUM));

async function packed(manifest: object): Promise<string> {
  const folder = join(temporaryFolder(), "tide");
  mkdirSync(folder);
  writeFileSync(join(folder, "plugin.json"), JSON.stringify(manifest));
  writeFileSync(join(folder, "index.mjs"), CODE);
  const file = `${folder}.alluse-plugin`;
  const { status, stderr } = await runCommand(["plugin", "pack", folder, "-o", file]);
  expect(status, stderr).toBe(0);
  return file;
}

test("a plugin's life on the page: added, configured, off and on, granted more, run twice, removed", async () => {
  const dataDir = temporaryFolder();
  await using agent = await startAgent({ dataDir });
  const opened = await openPage(browser, agent, { hash: "/plugins" });
  const detail = (): Locator => opened.page.locator(".detail");
  const field = (name: string): Locator => detail().getByRole("textbox", { name, exact: true });
  const levels = async (): Promise<Record<string, string>[]> => (await agent.query("tide_level")).map(({ metric }) => metric);
  const known = (): Promise<PluginDetail> => agent.json<PluginDetail>("/api/agent/plugins/collectors/tide");
  const runs = async (): Promise<boolean> => (await known()).instances[0].report?.state === "ok";

  // It is looked at, granted what it asks, and soon measures.
  await opened.page
    .locator("input[type=file]")
    .first()
    .setInputFiles(await packed(MANIFEST));
  await opened.page.getByRole("dialog").getByRole("button", { name: install.grant, exact: true }).click();
  await opened.page.getByRole("dialog").waitFor({ state: "detached" });
  await until("its first sample", WITHIN_MS, async () => (await levels()).length > 0);
  await until("its details", WITHIN_MS, async () => (await detail().count()) > 0 && /Tide/.test(await detail().innerText()));
  expect((await known()).permissions).toMatchObject([{ permission: "exec:echo", granted: true }]);

  // A wrong value is said at its field in the agent's words; a right one counts at once; a secret is never seen again.
  await field("Pause").fill("7x");
  await detail()
    .getByText(/expected a duration/i)
    .waitFor();
  await field("Pause").fill("45s");
  await field("Harbour").fill("Bergen");
  await detail().locator("input[type=password]").fill(SECRET);
  await detail().getByRole("button", { name: /^Save/ }).click();
  await detail().getByText(form.saved).waitFor();
  await until("samples of the new instance", WITHIN_MS, async () =>
    (await agent.query('tide_level{harbour="Bergen",told="true"}')).some(({ value }) => value?.[1] === "45000"),
  );
  expect(readFileSync(join(dataDir, "config.json"), "utf8")).not.toContain(SECRET);
  expect(JSON.stringify(await known())).not.toContain(SECRET);
  expect(await opened.page.content()).not.toContain(SECRET);
  expect(readFileSync(join(dataDir, "agent.log"), "utf8")).toContain("the password is [secret]");

  // Switched off, it is switched on again in place.
  await detail().getByRole("button", { name: actions.disable }).click();
  await detail().getByText(actions.disabled).waitFor();
  expect((await known()).instances[0].enabled).toBe(false);
  await detail().getByRole("button", { name: actions.undo }).click();
  await detail().getByText(actions.undone).waitFor();
  await until("it to run again", WITHIN_MS, runs);

  // A version that asks for more comes past the page: it waits, and only what is new is shown.
  const more = { ...MANIFEST, version: "1.1.0", permissions: ["exec:echo", "read:/etc/hostname"] };
  writeFileSync(join(dataDir, "plugins/collectors/tide/plugin.json"), JSON.stringify(more));
  await detail()
    .getByRole("button", { name: permissions.grant(1) })
    .click();
  await until("it to run", WITHIN_MS, runs);
  expect((await known()).permissions.map(({ granted }) => granted)).toEqual([true, true]);

  // A second instance measures under its own name.
  await detail().getByRole("button", { name: instances.add }).click();
  await detail().getByLabel(instances.name).fill("north");
  await opened.page.keyboard.press("Enter");
  await opened.page.waitForURL(/tide%23north/);
  await until("its samples", WITHIN_MS, async () =>
    (await levels()).some(({ plugin_instance: name, harbour }) => name === "north" && harbour === "Bergen"),
  );

  // Removed, it is gone; what happened stands in the audit log.
  await detail().getByRole("button", { name: actions.removeWhole }).click();
  await opened.page
    .getByRole("dialog", { name: remove.title("Tide") })
    .getByRole("button", { name: remove.confirm })
    .click();
  await detail().waitFor({ state: "detached" });
  const { records, intact } = await agent.json<{ records: { action: string; target: string }[]; intact: boolean }>(
    "/api/agent/audit",
  );
  expect(intact).toBe(true);
  const done = records.filter(({ target }) => target.startsWith("collectors/tide")).map(({ action }) => action);
  for (const action of [
    "plugin.installed",
    "config.changed",
    "plugin.disabled",
    "plugin.enabled",
    "plugin.granted",
    "instance.added",
    "plugin.removed",
  ])
    expect(done).toContain(action);
  // What is asked of a plugin in the moment in which it goes has no answer.
  expect(opened.faults.filter((fault) => !fault.includes("404"))).toEqual([]);
  await opened.close();
});
