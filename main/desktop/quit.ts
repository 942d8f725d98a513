import type { App } from "electron";

/** A stop that takes longer is given up: what was acknowledged is on disk already. */
const STOP_WITHIN_MS = 10_000;

/** Holds back the app's quitting, however it was asked for, until `stop` is done. Once: further calls wait for the same. */
export function stopBeforeQuit(app: App, stop: () => Promise<void>): void {
  let stopped = false;
  let stopping = false;
  app.on("before-quit", (event) => {
    if (stopped) return;
    event.preventDefault();
    if (stopping) return;
    stopping = true;
    const timeout = new Promise<void>((resolve) => setTimeout(resolve, STOP_WITHIN_MS).unref());
    void Promise.race([stop().catch((error: unknown) => console.error(error)), timeout]).then(() => {
      stopped = true;
      app.quit();
    });
  });
}
