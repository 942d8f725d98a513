import { app, BrowserWindow, nativeTheme, screen } from "electron";
import { ORIGIN } from "./place.ts";
import { SIZE_MIN, fitWindowState, readWindowState, writeWindowState } from "./window-state.ts";

export interface MainWindow {
  /** Brings the window to the front, opening it where it is closed, at a place `#/…` of the page where one is given. */
  show(place?: string): void;
}

/** A page that keeps dying is not started for ever. */
const RELOADS_MAX = 3;

/**
 * The one window. Closing it frees the page's memory; the agent goes on in the tray.
 * @param stateFile where the window's place and size are kept
 */
export function createMainWindow(preload: string, stateFile: string): MainWindow {
  let window: BrowserWindow | null = null;

  function open(place: string): BrowserWindow {
    const areas = screen.getAllDisplays().map((display) => display.workArea);
    const { maximized, ...bounds } = fitWindowState(readWindowState(stateFile), areas);
    const opened = new BrowserWindow({
      ...bounds,
      minWidth: SIZE_MIN.width,
      minHeight: SIZE_MIN.height,
      title: "ALL-USE Agent",
      show: false,
      autoHideMenuBar: true,
      backgroundColor: nativeTheme.shouldUseDarkColors ? "#16181b" : "#fbfbfa",
      webPreferences: {
        preload,
        sandbox: true,
        contextIsolation: true,
        nodeIntegration: false,
        webSecurity: true,
        // Its dictionaries would be fetched from the internet.
        spellcheck: false,
      },
    });
    if (maximized) opened.maximize();
    opened.once("ready-to-show", () => opened.show());
    opened.on("close", () => {
      try {
        writeWindowState(stateFile, { ...opened.getNormalBounds(), maximized: opened.isMaximized() });
      } catch {
        // A full disk must not keep the window open.
      }
    });
    opened.on("closed", () => (window = null));
    let reloads = 0;
    opened.webContents.on("render-process-gone", (_event, { reason }) => {
      if (reason !== "clean-exit" && reloads++ < RELOADS_MAX) opened.webContents.reload();
    });
    load(opened, place);
    return opened;
  }

  return {
    show(place) {
      if (window === null) {
        window = open(place ?? "");
        return;
      }
      if (place !== undefined) load(window, place);
      if (window.isMinimized()) window.restore();
      window.show();
      window.focus();
      app.focus({ steal: true });
    },
  };
}

/** A load that fails shows Chromium's own error page; a load overtaken by the next one is no error. */
function load(window: BrowserWindow, place: string): void {
  window.loadURL(`${ORIGIN}/${place}`).catch(() => undefined);
}
