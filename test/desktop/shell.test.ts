import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { cannotRun, Shell } from "./shell.ts";

const reason = cannotRun();
const made: string[] = [];

function folder(): string {
  made.push(mkdtempSync(join(tmpdir(), "alluse-desktop-")));
  return made.at(-1)!;
}

beforeEach(({ skip }) => skip(reason !== null, reason ?? ""));

afterAll(() => {
  for (const path of made) rmSync(path, { recursive: true, force: true });
});

/** An installed recommender that gives one critical advice, so that there is something to be told of. */
function installAlarm(dataDir: string): void {
  const plugin = join(dataDir, "plugins/recommenders/alarm");
  mkdirSync(plugin, { recursive: true });
  const manifest = {
    id: "recommenders/alarm",
    version: "1.0.0",
    api: 1,
    kind: "recommender",
    entry: "index.js",
    title: "Alarm",
    stability: "development",
  };
  writeFileSync(join(plugin, "plugin.json"), JSON.stringify(manifest));
  writeFileSync(
    join(plugin, "index.js"),
    `export default () => ({ advise: (view) => [{
      key: "disk:/data:free", severity: "critical", title: "Disk /data is full", reason: "Nothing is left on it.",
      action: { kind: "free_disk_space", text: "Free some space on /data." }, confidence: 0.9,
      evidence: [{ expr: "up", fromMs: view.nowMs - 1000, toMs: view.nowMs, method: "a test", numbers: { free_bytes: 0 } }],
      expiresMs: view.nowMs + 3600000,
    }] });`,
  );
}

describe("the built desktop shell", () => {
  const dataDir = folder();
  let shell: Shell;

  beforeAll(async () => {
    if (reason !== null) return;
    installAlarm(dataDir);
    shell = await new Shell([`--data-dir=${dataDir}`, "--some-switch-of-chromium"]).ready();
  });

  afterAll(() => shell?.quit());

  test("opens one window on the page, sandboxed, isolated, without Node.js in it", async () => {
    const { windows, sandboxed } = await shell.state("the window to show", (state) => state.windows[0]?.visible);
    expect(windows).toHaveLength(1);
    expect(windows[0].urls).toEqual(["alluse://app/"]);
    expect(windows[0].webPreferences).toMatchObject({
      sandbox: true,
      contextIsolation: true,
      nodeIntegration: false,
      webSecurity: true,
      spellcheck: false,
    });
    expect(windows[0].webPreferences.webviewTag).toBeFalsy();
    expect(sandboxed).toBe(true);
  });

  test("registers its scheme as a standard, secure one that does not get around the content policy", async () => {
    const { schemes } = await shell.ask("state");
    expect(schemes).toEqual([
      { scheme: "alluse", privileges: { standard: true, secure: true, supportFetchAPI: true, stream: true, codeCache: true } },
    ]);
  });

  test("keeps its own files beside the data", async () => {
    expect((await shell.ask("state")).userData).toBe(join(dataDir, "desktop"));
  });

  test("stays on its page whatever the page tries", async () => {
    for (const url of [
      "https://example.com/",
      "http://127.0.0.1/",
      "file:///etc/passwd",
      "alluse://app.evil/",
      "alluse://other/",
    ]) {
      expect(await shell.ask("wouldNavigate", url), url).toBe(false);
      expect(await shell.ask("wouldRedirect", url), url).toBe(false);
      expect(await shell.ask("wouldLoad", url), url).toBe(false);
    }
    expect(await shell.ask("wouldLoad", "alluse://app/assets/index.js")).toBe(true);
    expect(await shell.ask("wouldOpen", "alluse://app/")).toBe("deny");
    expect(await shell.ask("wouldAttachWebview")).toBe(false);
  });

  test("grants the page nothing of the machine", async () => {
    for (const permission of ["media", "geolocation", "notifications", "clipboard-read", "openExternal", "usb", "fileSystem"]) {
      expect(await shell.ask("wouldPermit", permission), permission).toEqual([false, false, false]);
    }
  });

  test("serves its own page without a token, and nobody else", async () => {
    expect(await shell.ask("request", "alluse://app/api/agent/status", "alluse://app")).toBe(200);
    expect(await shell.ask("request", "alluse://app/api/agent/status", "https://example.com")).toBe(403);
    expect(await shell.ask("request", "alluse://app/api/agent/status", null)).toBe(403);
    expect(await shell.ask("request", "alluse://other/api/agent/status", "alluse://app")).toBe(403);
  });

  test("tells of a critical recommendation once, in the tray and as a notification that opens its place", async () => {
    // The tray speaks of advice only once samples arrive: on a busy machine the advice may come before the first.
    const told = /^ALL-USE Agent: (1 thing needs you|\d+ things need you)$/;
    const title = "Disk /data is full";
    const { tray, notifications } = await shell.state(
      "the notification and the tray's word",
      (state) => state.notifications.some((each) => each.title === title) && told.test(state.tray?.toolTip ?? ""),
      40_000,
    );
    // This machine itself may be in a state that is worth a word.
    expect(notifications.filter((each) => each.title === title)).toEqual([
      { title, body: "Free some space on /data.", urgency: "critical", state: "shown" },
    ]);
    expect(tray?.labels[0]).toBe(tray?.toolTip.slice("ALL-USE Agent: ".length));
    expect(tray?.scales).toEqual([1, 2]);
    await shell.ask(
      "clickNotification",
      notifications.findIndex((each) => each.title === title),
    );
    await shell.state("the place", ({ windows }) => windows[0].urls.at(-1) === "alluse://app/#/advice");
  });

  test("a second start brings the window to the front, at the place of a link if it was started by one", async () => {
    await shell.ask("secondInstance", ["electron", "."]);
    expect((await shell.ask("state")).windows[0].focused).toBe(true);
    await shell.ask("secondInstance", ["electron", ".", "alluse://app/#/plugins?plugin=storage%2Fseries"]);
    expect((await shell.ask("state")).windows[0].urls.at(-1)).toBe("alluse://app/#/plugins?plugin=storage%2Fseries");
    await shell.ask("openUrl", "alluse://app/#/now");
    expect((await shell.ask("state")).windows[0].urls.at(-1)).toBe("alluse://app/#/now");
  });

  test("a link to anywhere else opens the window and nothing more", async () => {
    const before = (await shell.ask("state")).windows[0].urls.length;
    for (const link of ["alluse://evil/#/now", "alluse://app/api/agent/status", "alluse://app/?x#/now", "alluse:#/now"]) {
      await shell.ask("secondInstance", ["electron", ".", link]);
    }
    expect((await shell.ask("state")).windows[0].urls).toHaveLength(before);
  });

  test("sleep is a recorded gap", async () => {
    const fromMs = Date.now();
    await shell.ask("suspend");
    await new Promise((resolve) => {
      setTimeout(resolve, 50);
    });
    await shell.ask("resume");
    const origin = await shell.ask("serve");
    const answer = await fetch(`${origin}/api/agent/gaps?from=${fromMs}&to=${Date.now()}`);
    const { gaps } = (await answer.json()) as { gaps: { fromMs: number; toMs: number; reason: string }[] };
    // A machine that was held up has gaps of its own.
    const slept = gaps.filter(({ reason: why }) => why === "sleep");
    expect(slept).toHaveLength(1);
    expect(slept[0].toMs - slept[0].fromMs).toBeGreaterThanOrEqual(45);
  });

  test("a page that dies is loaded again, but not for ever", async () => {
    for (let i = 0; i < 5; i++) await shell.ask("killPage");
    expect((await shell.ask("state")).windows[0].reloads).toBe(3);
  });

  test("a closed window leaves the agent running, and the tray opens it again where it was", async () => {
    await shell.ask("moveWindow", { x: 40, y: 50, width: 900, height: 700 });
    await shell.ask("closeWindow");
    expect((await shell.ask("state")).windows[0].closed).toBe(true);
    expect(await shell.ask("request", "alluse://app/api/agent/status", "alluse://app")).toBe(200);
    await shell.ask("clickMenu", "Open ALL-USE Agent");
    const { windows } = await shell.ask("state");
    expect(windows).toHaveLength(2);
    expect(windows[1].bounds).toEqual({ x: 40, y: 50, width: 900, height: 700 });
    await shell.ask("clickTray");
    expect((await shell.ask("state")).windows).toHaveLength(2);
  });

  test("quitting from the tray stops the agent cleanly", async () => {
    void shell.ask("clickMenu", "Quit").catch(() => undefined);
    expect(await shell.ended).toBe(0);
    expect(() => readFileSync(join(dataDir, "agent.lock"))).toThrow("ENOENT");
    expect(JSON.parse(readFileSync(join(dataDir, "desktop/window.json"), "utf8"))).toMatchObject({ width: 900, height: 700 });
  });
});

describe("a desktop shell that cannot start", () => {
  test("says so in one sentence, in a dialog's words on its output too, when the data belongs to a running agent", async () => {
    const dataDir = folder();
    await using first = await new Shell([`--data-dir=${dataDir}`]).ready();
    const second = new Shell([`--data-dir=${dataDir}`]);
    expect(await second.ended).toBe(1);
    expect(second.output.trim()).toMatch(/^cannot start: the data folder .* belongs to a running agent \(pid \d+\).*$/);
    expect(await first.quit()).toBe(0);
  });

  test("says so when the data folder cannot be made", async () => {
    const file = join(folder(), "file");
    writeFileSync(file, "");
    const shell = new Shell([`--data-dir=${file}/data`]);
    expect(await shell.ended).toBe(1);
    expect(shell.output.trim()).toMatch(/^cannot start: the data folder .* cannot be used \(.*\)$/);
  });

  test("leaves it to the instance that holds the lock", async () => {
    const shell = new Shell([`--data-dir=${folder()}`], { FAKE_ELECTRON_LOCK_TAKEN: "1" });
    expect(await shell.ended).toBe(0);
    expect(shell.output.trim()).toBe("already running: its window comes to the front");
  });
});
