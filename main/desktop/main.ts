import { mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { app, dialog, protocol, session } from "electron";
import { AgentError, errorText } from "all-use-agent/sdk";
import { type Agent, startAgent } from "../agent.ts";
import { defaultDataDir } from "../host/default-data-dir.ts";
import { createAttention } from "./attention.ts";
import { guardContents, guardSession } from "./guard.ts";
import { healthOf } from "./health.ts";
import { setApplicationMenu } from "./menu.ts";
import { noticeCritical } from "./notice.ts";
import { pageDoor } from "./page-door.ts";
import { ORIGIN, SCHEME, placeOfArguments, placeOfLink } from "./place.ts";
import { onBattery, recordSleep } from "./power.ts";
import { stopBeforeQuit } from "./quit.ts";
import { systemSeal } from "./secret-seal.ts";
import { createTray } from "./tray.ts";
import { type MainWindow, createMainWindow } from "./window.ts";

/** How often the tray looks whether samples still come. */
const HEALTH_INTERVAL_MS = 5000;

/** The place to open once there is a window; links may come before the agent runs. */
let wanted = placeOfArguments(process.argv);
let window: MainWindow | null = null;

function show(place: string | null): void {
  if (window === null) wanted = place ?? wanted;
  else window.show(place ?? undefined);
}

/** One sentence, for the operator who sees a dialog and for whoever started us from a shell. */
function fail(title: string, error: unknown): void {
  console.log(`${title}: ${errorText(error)}`);
  dialog.showErrorBox(`ALL-USE Agent ${title}`, errorText(error));
  app.exit(1);
}

/** `--data-dir D` or `--data-dir=D`; Electron and Chromium add arguments of their own, which are left alone. */
function dataDirOf(argv: readonly string[]): string {
  const at = argv.findIndex((argument) => argument === "--data-dir" || argument.startsWith("--data-dir="));
  if (at < 0) return defaultDataDir();
  const value = argv[at].includes("=") ? argv[at].slice("--data-dir=".length) : argv[at + 1];
  if (!value) throw new AgentError("usage", "--data-dir needs a folder: --data-dir D");
  return resolve(value);
}

/** The shell's own folder: the window's place, the page's storage and the lock stand beside the data they belong to. */
function makeUserData(dataDir: string): string {
  const path = join(dataDir, "desktop");
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new AgentError("data_dir_unwritable", `the data folder ${dataDir} cannot be used (${errorText(error)})`, {
      where: path,
      cause: error,
    });
  }
  return path;
}

/** Everything of the shell that needs a running agent. */
async function open(agent: Agent): Promise<void> {
  const door = pageDoor(agent.webDoor, agent.token);
  setApplicationMenu();
  guardSession(session.defaultSession);
  protocol.handle(SCHEME, door);

  window = createMainWindow(join(import.meta.dirname, "../preload/preload.cjs"), join(app.getPath("userData"), "window.json"));
  const tray = createTray(
    () => show(null),
    () => app.quit(),
  );
  const attention = createAttention();
  const sayHealth = (): void => tray.show(healthOf(agent.status(), attention, Date.now()));
  agent.subscribe((event) => {
    if (attention.note(event)) sayHealth();
  });
  await attention.load(door);
  setInterval(sayHealth, HEALTH_INTERVAL_MS).unref();
  noticeCritical(agent, show);
  recordSleep(agent, Date.now);

  show(wanted);
  console.log(`ready ${ORIGIN}/`);
}

async function run(dataDir: string): Promise<void> {
  let agent: Agent | null = null;
  const stop = async (): Promise<void> => agent?.stop();
  const failAfterStop = async (title: string, error: unknown): Promise<void> => {
    try {
      await stop();
    } finally {
      fail(title, error);
    }
  };
  const secretSeal = systemSeal();
  agent = await startAgent({
    dataDir,
    shell: "desktop",
    ...(secretSeal && { secretSeal }),
    onBattery,
    noSafeMode: process.argv.includes("--no-safe-mode"),
    onFatal: (error) => void failAfterStop("stopped after an error inside", error),
  });
  stopBeforeQuit(app, stop);
  try {
    await open(agent);
  } catch (error) {
    await failAfterStop("cannot start", error);
  }
}

function start(): void {
  const dataDir = dataDirOf(process.argv);
  app.setPath("userData", makeUserData(dataDir));
  if (!app.requestSingleInstanceLock()) {
    console.log("already running: its window comes to the front");
    app.exit(0);
    return;
  }
  app.on("second-instance", (_event, argv) => show(placeOfArguments(argv)));
  app.on("open-url", (event, url) => {
    event.preventDefault();
    show(placeOfLink(url));
  });
  app.on("activate", () => show(null));
  // With a listener, closing the last window does not quit: the agent goes on in the tray.
  app.on("window-all-closed", () => undefined);
  if (app.isPackaged) app.setAsDefaultProtocolClient(SCHEME);
  app
    .whenReady()
    .then(() => run(dataDir))
    .catch((error: unknown) => fail("cannot start", error));
}

protocol.registerSchemesAsPrivileged([
  { scheme: SCHEME, privileges: { standard: true, secure: true, supportFetchAPI: true, stream: true, codeCache: true } },
]);
app.enableSandbox();
guardContents(app);
try {
  start();
} catch (error) {
  fail("cannot start", error);
}
