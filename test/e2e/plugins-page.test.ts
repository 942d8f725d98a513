import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { ConfigChange, PackageInstall, PluginAction } from "all-use-agent/sdk";
import type { Browser, Locator, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { pluginWords } from "../../renderer/words-plugin.ts";
import { words } from "../../renderer/words.ts";
import {
  accessibilityFaults,
  launchBrowser,
  type OpenOptions,
  type OpenPage,
  openPage,
  overflowsSideways,
} from "../support/browser.ts";
import { findChromium, NO_CHROMIUM } from "../support/machine.ts";
import { GOOD_PACKAGE, PluginDoor } from "../support/plugin-door.ts";
import { NOW_MS } from "../support/plugin-fixture.ts";
import { until } from "../support/wait.ts";

const pictures = join(import.meta.dirname, "../../test-results/pages");
const { form, actions, permissions, install, leave, instances, log, remove } = pluginWords;

let browser: Browser;
let door: PluginDoor;
let opened: OpenPage;
let page: Page;

beforeAll(async () => {
  if (findChromium() === null) return;
  mkdirSync(pictures, { recursive: true });
  browser = await launchBrowser();
});
afterAll(() => browser?.close());

beforeEach(async ({ skip }) => {
  skip(findChromium() === null, NO_CHROMIUM);
  door = await new PluginDoor().start();
});
afterEach(async () => {
  await opened?.close();
  await door?.[Symbol.asyncDispose]();
});

const detail = (): Locator => page.locator(".detail");
const row = (name: string): Locator => page.locator("table.list").getByRole("button", { name, exact: true });

/** Opens the place; with a plugin, waits until its details are there. */
async function open(plugin: string | null, options: OpenOptions = {}): Promise<void> {
  const hash = plugin === null ? "/plugins" : `/plugins?plugin=${encodeURIComponent(plugin)}`;
  opened = await openPage(browser, door, { hash, ...options });
  ({ page } = opened);
  await page.locator("table.list").waitFor();
  if (plugin !== null) await detail().getByText(pluginWords.about.title).waitFor();
}

/** Bodies of what was asked for at routes that end so. */
const asked = <T>(end: string): T[] => door.asked.filter(({ path }) => path.endsWith(end)).map(({ body }) => body as T);

function picture(name: string): Promise<Buffer> {
  return page.screenshot({ path: join(pictures, `plugins-${name}.png`), fullPage: true });
}

describe("the list", () => {
  test("has what needs a look first with its reason, instances under their plugin, where each runs, and one sum", async () => {
    await open(null);
    const rows = await page.locator("table.list tbody tr").allInnerTexts();
    expect(rows[0]).toMatch(/Upload to the office.*own process.*failed/s);
    expect(rows[1]).toContain("TypeError");
    expect(rows[2]).toMatch(/Weather.*needs a look/s);
    const lan = rows.findIndex((text) => /^Name servers\s+lan/.test(text));
    expect(rows[lan + 1]).toMatch(/^Name servers\s+wan.*own process.*off/s);
    expect(rows.find((text) => text.includes("Disk health"))).toContain("own program");
    expect(rows.find((text) => text.includes("This machine"))).toContain("inside");
    // 0.71 % of a core inside, and what runs outside on top.
    expect(rows.at(-1)).toMatch(/Together\s+7\.45\s+/);
    expect(await page.locator("h1").innerText()).toMatch(/0\.7.% of one core and 2\d\d.MB/);
    await picture("list");
  });

  test("says in safe mode what was left out, why, and leads to it", async () => {
    door.status = {
      safeMode: {
        sinceMs: NOW_MS - 60_000,
        leftOut: ["exporters/upload", "collectors/ping"],
        suspects: ["exporters/upload"],
        reason: "It ended within 20 s of its last two starts. Turn off what is to blame and start it again.",
      },
    };
    await open(null);
    const banner = page.locator(".safe-mode");
    expect(await banner.innerText()).toMatch(/safe mode since .*last two starts.*start it again.*Upload to the office.*Ping/s);
    await picture("safe-mode");
    await banner.getByRole("link", { name: "Upload to the office" }).click();
    await detail().getByRole("heading", { name: "Upload to the office" }).waitFor();
  });

  test("without a plugin of one's own tells how to make one", async () => {
    door.plugins = door.plugins.filter(({ origin }) => origin === "bundled");
    await open(null);
    await page.getByText(words.plugins.makeCommand).waitFor();
  });
});

describe("the details", () => {
  test("say what is the matter and what to do, what it costs and did, and who made it", async () => {
    await open("exporters/upload");
    const text = await detail().innerText();
    expect(text).toContain("ended three times in five minutes".replace("e", "E"));
    expect(text).toContain(pluginWords.state.todo["crashed"]);
    expect(text).toMatch(/Restarts\s+3/);
    expect(text).toContain(pluginWords.about.unsigned);
    // The log of what failed stands open: errors once and counted.
    await detail().getByText(log.times(17)).waitFor();
    await picture("failed");
  });

  test("say of each permission how often it was used and what cannot be enforced", async () => {
    await open("collectors/ping");
    const table = await detail().locator("table.permissions").innerText();
    expect(table).toMatch(/Connects to \*:443 over the network.*Not enforced here:.*3,384/s);
    expect(table).toContain(permissions.uncounted);
    expect(await detail().innerText()).toContain("Ana of the workshop");
  });

  test("show another instance when it is chosen, with its own configuration, and the address says which", async () => {
    await open("collectors/dns#lan");
    await detail().getByRole("button", { name: "wan", exact: true }).click();
    await page.waitForURL(/dns%23wan/);
    await detail().getByRole("heading", { name: "Name servers wan" }).waitFor();
    expect(
      await detail()
        .getByRole("textbox", { name: /^Server/ })
        .inputValue(),
    ).toBe("192.0.2.53");
    expect(await detail().innerText()).toContain(pluginWords.state.off);
  });

  test("follow the log while it is open, and stand still when asked to", async () => {
    await open("collectors/ping");
    await detail().getByText(log.title, { exact: true }).click();
    const lines = detail().getByRole("region", { name: log.lines });
    const count = (): Promise<number> => lines.locator("p").count();
    const before = await until("lines", 10_000, count);
    await until("more lines", 10_000, async () => (await count()) > before);
    await detail().getByRole("button", { name: log.pause }).click();
    await detail().getByText(log.paused).waitFor();
    await picture("log");
  });

  test("stay readable when the agent cannot tell them, and say so", async () => {
    await open(null);
    const all = door.plugins;
    await row("Upload to the office").waitFor();
    door.find = () => {
      throw new Error("broken");
    };
    await row("Upload to the office").click();
    await detail().getByText(pluginWords.unread).waitFor();
    expect(await detail().innerText()).toMatch(/Failed since/);
    expect(all.length).toBeGreaterThan(0);
  });
});

describe("what can be done", () => {
  test("turning off happens at once, is said in the list, and can be undone in place", async () => {
    await open("collectors/ping");
    await detail().getByRole("button", { name: actions.disable }).click();
    await detail().getByText(actions.disabled).waitFor();
    await row("Ping").waitFor();
    await until("the list to know", 5000, async () => /off/.test(await page.locator("table.list tr.chosen").first().innerText()));
    await detail().getByRole("button", { name: actions.undo }).click();
    await detail().getByText(actions.undone).waitFor();
    expect(asked<PluginAction>("/action").map(({ action }) => action)).toEqual(["disable", "enable"]);
  });

  test("removing asks once with the consequence, and leaves the list behind", async () => {
    await open("collectors/ping");
    await detail().getByRole("button", { name: actions.remove }).click();
    const dialog = page.getByRole("dialog", { name: remove.title("Ping") });
    expect(await dialog.innerText()).toMatch(/what it recorded are kept/);
    await picture("remove");
    await dialog.getByRole("button", { name: remove.cancel }).click();
    expect(door.asked).toEqual([]);
    await detail().getByRole("button", { name: actions.remove }).click();
    await dialog.getByRole("button", { name: remove.confirm }).click();
    await row("Ping").waitFor({ state: "detached" });
    expect(await detail().count()).toBe(0);
  });

  test("removing an instance and removing its plugin are two things", async () => {
    await open("collectors/dns#wan");
    await detail().getByRole("button", { name: actions.remove, exact: true }).click();
    await page
      .getByRole("dialog", { name: remove.title("Name servers wan") })
      .getByRole("button", { name: remove.confirm })
      .click();
    await detail().getByRole("heading", { name: "Name servers lan" }).waitFor();
    await detail().getByRole("button", { name: actions.removeWhole }).click();
    await page
      .getByRole("dialog", { name: remove.title("Name servers") })
      .getByRole("button", { name: remove.confirm })
      .click();
    await detail().waitFor({ state: "detached" });
    expect(asked<PluginAction>("/action")).toEqual([{ action: "remove", instance: "wan" }, { action: "remove" }]);
  });

  test("what came with the agent cannot be removed", async () => {
    await open("storage/series");
    await detail().getByRole("button", { name: actions.restart }).waitFor();
    expect(await detail().getByRole("button", { name: actions.remove }).count()).toBe(0);
  });

  test("granting shows only what is new, and grants what was shown", async () => {
    await open("collectors/weather");
    const waiting = detail().locator(".waiting");
    expect(await waiting.locator("li").allInnerTexts()).toEqual([
      "Connects to api.weather.example:443 over the network.",
      "Starts the program /usr/bin/gdalinfo.",
    ]);
    await picture("grant");
    await waiting.getByRole("button", { name: permissions.grant(2) }).click();
    await waiting.waitFor({ state: "detached" });
    expect(asked<PluginAction>("/action")).toEqual([
      { action: "grant", permissions: ["read:/etc/weather", "net:api.weather.example:443", "exec:/usr/bin/gdalinfo"] },
    ]);
  });

  test("an instance is added by name; a wrong name is refused in the agent's words", async () => {
    await open("collectors/ping");
    await detail().getByRole("button", { name: instances.add }).click();
    const name = detail().getByLabel(instances.name);
    await name.fill("Office");
    await page.keyboard.press("Enter");
    await detail()
      .getByText(/"Office" is no name for an instance/)
      .waitFor();
    await name.fill("office");
    await page.keyboard.press("Enter");
    await page.waitForURL(/ping%23office/);
    // What is missing is said where it can be typed.
    await detail().getByText('"targets" is missing.').first().waitFor();
    await picture("instance-added");
  });
});

describe("the configuration form", () => {
  const save = (): Locator => detail().getByRole("button", { name: /^Save/ });
  const field = (name: string): Locator => detail().getByRole("textbox", { name, exact: true });

  test("shows what is set and what is default, and never a secret", async () => {
    await open("collectors/ping");
    expect(await field("Interval").inputValue()).toBe("10s");
    expect(await field("Timeout").inputValue()).toBe("1000");
    const text = await detail().locator("form.config").innerText();
    expect(text).toContain("default 1\u00a0s");
    expect(text).toContain(form.secret.set);
    expect(await detail().locator("input[type=password]").count()).toBe(1);
    expect(await save().isDisabled()).toBe(true);
  });

  test("says while typing what the agent finds, at the field, and puts nothing in the way of typing on", async () => {
    await open("collectors/ping");
    await field("Timeout").fill("5");
    const problem = detail().getByText("Expected 10 or more, found 5.");
    await problem.waitFor();
    expect(await field("Timeout").getAttribute("aria-invalid")).toBe("true");
    const describedBy = (await field("Timeout").getAttribute("aria-describedby")) ?? "";
    expect(describedBy.split(" ")).toContain(await problem.getAttribute("id"));
    await picture("problem");
    await field("Timeout").fill("50");
    await problem.waitFor({ state: "hidden" });
    expect(door.asked).toEqual([]);
  });

  test("saves in one request what was changed and nothing else, says what happened, and takes it back", async () => {
    await open("collectors/ping");
    await field("Timeout").fill("250");
    await detail().getByRole("radio", { name: "random" }).check();
    await detail()
      .getByRole("button", { name: form.addOf("Labels") })
      .click();
    await page.keyboard.type("floor 2");
    await detail()
      .getByRole("button", { name: form.secret.forgetOf("Token") })
      .click();
    await detail().getByLabel("Proxy password").fill("s3cret");
    await picture("dirty");
    await save().click();
    await detail().getByText(form.saved).waitFor();
    const before = { interval: "10s", targets: [{ host: "gateway.lan" }, { host: "192.0.2.7", port: 22, probe: "icmp" }] };
    expect(asked<ConfigChange>("/config")).toEqual([
      {
        instance: "default",
        config: { ...before, labels: ["office", "floor 2"], timeout_ms: 250, order: "random" },
        secrets: { token: null, proxy_password: "s3cret" },
      },
    ]);
    // Secrets are write only: with them there is no way back.
    expect(await detail().getByRole("button", { name: form.undo }).count()).toBe(0);
    await field("Timeout").fill("300");
    await save().click();
    await detail().getByRole("button", { name: form.undo }).click();
    await detail().getByText(form.undone).waitFor();
    expect(await field("Timeout").inputValue()).toBe("250");
  });

  test("keeps what was typed when the agent refuses it, and goes to the first mistake", async () => {
    await open("collectors/ping");
    await detail()
      .getByRole("button", { name: form.addOf("Targets") })
      .click();
    await field("Timeout").fill("abc");
    await page.keyboard.press("Enter");
    await detail().getByText(form.refused(2)).waitFor();
    await until("the focus on the mistake", 5000, () =>
      field("Timeout").evaluate((element) => element === document.activeElement),
    );
    expect(await field("Timeout").inputValue()).toBe("abc");
    await detail().getByText('Expected integer, found "abc".').waitFor();
    await detail().getByText('"host" is missing.').waitFor();
    await picture("refused");
  });

  test("of a named instance sets a secret inside by its place", async () => {
    await open("collectors/dns#lan");
    expect(await field("Interval").inputValue()).toBe("1m");
    await detail()
      .getByRole("button", { name: form.secret.replaceOf("Password") })
      .click();
    await page.keyboard.type("s3cret");
    await field("Interval").fill("90");
    await detail().getByText(form.equals("90\u00a0ms")).waitFor();
    await detail().getByText("Expected 1000 or more, found 90.").waitFor();
    await field("Interval").fill("90000");
    await save().click();
    await detail().getByText(form.saved).waitFor();
    expect(asked<ConfigChange>("/config")).toEqual([
      {
        instance: "lan",
        config: { server: "192.168.1.1", interval_ms: 90_000 },
        secrets: { "auth.password": "s3cret" },
      },
    ]);
  });

  test("resets a value to its default, which then is not written", async () => {
    await open("collectors/ping");
    await detail()
      .getByRole("button", { name: form.resetOf("Interval") })
      .click();
    expect(await field("Interval").inputValue()).toBe("5s");
    await save().click();
    await detail().getByText(form.saved).waitFor();
    expect(asked<ConfigChange>("/config")[0].config).not.toHaveProperty("interval");
  });

  test("lets what it cannot draw be edited as JSON, with the same errors", async () => {
    await open("collectors/ping");
    await field("Schedule").fill('{ "from": 8');
    await detail()
      .getByText(/This is not JSON/)
      .waitFor();
    await save().click();
    await detail().getByText(form.refused(1)).waitFor();
    expect(door.asked).toEqual([]);
    await field("Schedule").fill('{ "from": 8, "to": 18 }');
    await save().click();
    await detail().getByText(form.saved).waitFor();
    expect(asked<ConfigChange>("/config")[0].config["schedule"]).toEqual({ from: 8, to: 18 });
  });

  test("asks before typed values are lost, however one leaves", async () => {
    await open("collectors/ping");
    await field("Timeout").fill("250");
    const dialog = page.getByRole("dialog", { name: leave.title });
    for (const go of [
      () => row("This machine").click(),
      () => page.getByRole("link", { name: words.places.advice }).first().click(),
      () => detail().getByRole("button", { name: pluginWords.close }).click(),
    ]) {
      await go();
      await dialog.getByRole("button", { name: leave.stay }).click();
      await dialog.waitFor({ state: "hidden" });
      expect(page.url()).toContain("plugin=collectors%2Fping");
      expect(await field("Timeout").inputValue()).toBe("250");
    }
    await page.getByRole("link", { name: words.places.advice }).first().click();
    await dialog.getByRole("button", { name: leave.leave }).click();
    await page.waitForURL(/#\/advice/);
    expect(door.asked).toEqual([]);
  });

  test("asks before the browser's way back loses them", async () => {
    opened = await openPage(browser, door, { hash: "/advice" });
    ({ page } = opened);
    await page.getByRole("link", { name: words.places.plugins }).first().waitFor();
    await page.evaluate(() => (location.hash = "#/plugins?plugin=collectors%2Fping"));
    await field("Timeout").fill("250");
    await until("the form to know", 10_000, () => save().isEnabled());
    await page.goBack();
    await page.getByRole("dialog", { name: leave.title }).getByRole("button", { name: leave.stay }).click();
    expect(page.url()).toContain("plugin=collectors%2Fping");
    expect(await field("Timeout").inputValue()).toBe("250");
  });

  test("discards what was typed when asked to", async () => {
    await open("collectors/ping");
    await field("Timeout").fill("250");
    await detail().getByRole("button", { name: form.discard }).click();
    expect(await field("Timeout").inputValue()).toBe("1000");
    expect(await save().isDisabled()).toBe(true);
  });

  test("is not disturbed by what the agent says meanwhile", async () => {
    await open("collectors/ping");
    await field("Timeout").fill("250");
    const requests: string[] = [];
    page.on("response", (response) => requests.push(new URL(response.url()).pathname));
    await until("the details to be read again", 15_000, () => requests.some((path) => path.endsWith("/collectors/ping")));
    expect(await field("Timeout").inputValue()).toBe("250");
  });

  test("is walked, changed and saved by the keyboard alone", async () => {
    await open(null);
    await row("Ping").focus();
    await page.keyboard.press("Enter");
    await detail().getByText(pluginWords.about.title).waitFor();
    const focused = (): Promise<string> =>
      page.evaluate(() => {
        const element = document.activeElement as HTMLElement;
        const label = (element as HTMLInputElement).labels?.[0]?.textContent ?? "";
        return `${element.tagName} ${element.getAttribute("aria-label") ?? (label || element.textContent)}`.trim();
      });
    const walked: string[] = [];
    for (let i = 0; i < 120; i++) {
      await page.keyboard.press("Tab");
      const here = await focused();
      walked.push(here);
      if (here.startsWith("INPUT Timeout")) {
        await page.keyboard.press("ControlOrMeta+a");
        await page.keyboard.type("400");
      }
      if (here.startsWith("BUTTON Save")) break;
    }
    expect(walked.at(-1)).toBe(`BUTTON ${form.save(1)}`);
    for (const control of [
      "INPUT Host required",
      `BUTTON ${form.removeRowOf("Targets", 1)}`,
      `BUTTON ${form.addOf("Labels")}`,
      "INPUT IPv4",
      "INPUT as listed",
      "INPUT Resolve",
      `BUTTON ${form.secret.replaceOf("Token")}`,
      "TEXTAREA Schedule",
    ])
      expect(walked.map((name) => name.trim())).toContain(control);
    await page.keyboard.press("Enter");
    await detail().getByText(form.saved).waitFor();
    expect(asked<ConfigChange>("/config")[0].config["timeout_ms"]).toBe(400);
  });

  test("draws every bundled plugin's configuration, with a name and a description for each control", async () => {
    for (const id of ["collectors/host", "storage/series", "analytics/anomaly"]) {
      await open(id);
      const nameless = await detail()
        .locator("input, select, textarea, button")
        .evaluateAll((elements) =>
          elements
            .filter((element) => {
              const { labels } = element as HTMLInputElement;
              return !(labels?.length || element.getAttribute("aria-label") || element.textContent?.trim());
            })
            .map((element) => element.outerHTML),
        );
      expect(nameless).toEqual([]);
      expect(await accessibilityFaults(page)).toEqual([]);
      await picture(`form-${id.replace("/", "-")}`);
      await opened.close();
    }
  });
});

describe("adding a plugin", () => {
  const file = (name: string, text: string) => ({ name, mimeType: "application/octet-stream", buffer: Buffer.from(text) });
  const chooser = (): Locator => page.locator("input[type=file]");
  const dialog = (): Locator => page.getByRole("dialog");

  test("shows what the file holds and how it differs, and installs exactly that", async () => {
    await open(null);
    await chooser().setInputFiles(file("weather-3.alluse-plugin", GOOD_PACKAGE));
    const button = dialog().getByRole("button", { name: install.grant });
    await button.waitFor();
    const text = await dialog().innerText();
    expect(text).toMatch(/Weather.*version 3\.0\.0.*replaces the installed version 2\.0\.0/s);
    expect(text).toMatch(/Reads files in \/etc\/weather\.\s*as before/);
    expect(text).toMatch(/stations\.example:443 over the network\.\s*new/);
    expect(text).toMatch(/gdalinfo\.\s*no longer/);
    expect(text).toMatch(/9 files, 48\.2.kB.*2c26b46b.*a key you do not know/s);
    expect(await accessibilityFaults(page)).toEqual([]);
    await picture("install");
    await page.keyboard.press("Enter");
    await dialog().waitFor({ state: "hidden" });
    expect(asked<PackageInstall>("/install")).toEqual([
      {
        sha256: "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
        permissions: ["read:/etc/weather", "net:stations.example:443"],
      },
    ]);
    await detail().getByRole("heading", { name: "Weather" }).waitFor();
  });

  test("says in the agent's words why a file cannot be installed", async () => {
    await open(null);
    await chooser().setInputFiles(file("notes.alluse-plugin", "notes"));
    await dialog()
      .getByText(/is not a packed plugin: it does not begin as one/)
      .waitFor();
    await dialog().getByRole("button", { name: install.another }).waitFor();
    await page.keyboard.press("Escape");
    await chooser().setInputFiles(file("photo.png", GOOD_PACKAGE));
    await dialog().getByText(install.notPacked("photo.png")).waitFor();
  });

  test("takes a file that is dropped on the page", async () => {
    await open(null);
    const data = await page.evaluateHandle((text) => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([text], "weather-3.alluse-plugin"));
      return transfer;
    }, GOOD_PACKAGE);
    await page.dispatchEvent("body", "dragover", { dataTransfer: data });
    await page.getByText(words.plugins.drop).waitFor();
    await page.dispatchEvent("body", "drop", { dataTransfer: data });
    await dialog().getByRole("button", { name: install.grant }).waitFor();
    await page.getByText(words.plugins.drop).waitFor({ state: "hidden" });
  });
});

describe.each(["light", "dark"] as const)("in %s", (scheme) => {
  test.each([360, 900, 1600])("at %i px: nothing sticks out, axe and the console have nothing to say", async (width) => {
    for (const plugin of ["collectors/ping", "collectors/weather", "exporters/upload"]) {
      await open(plugin, { scheme, width });
      await picture(`${plugin.split("/")[1]}-${scheme}-${width}`);
      expect(await overflowsSideways(page)).toBe(false);
      expect(await accessibilityFaults(page)).toEqual([]);
      expect(opened.faults).toEqual([]);
      await opened.close();
    }
  });
});
