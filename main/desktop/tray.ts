import { Menu, Tray } from "electron";
import { type Health, STARTING } from "./health.ts";
import { trayIcon } from "./icon.ts";

export interface TrayView {
  /** Says how things are; calling it with what it says already costs nothing. */
  show(health: Health): void;
}

export function createTray(open: () => void, quit: () => void): TrayView {
  let shown = STARTING;
  const tray = new Tray(trayIcon(shown.level));

  function say(health: Health): void {
    tray.setToolTip(`ALL-USE Agent: ${health.line}`);
    // Replaced as a whole: on Linux a menu that was set does not change with its items.
    tray.setContextMenu(
      Menu.buildFromTemplate([
        { label: health.line, enabled: false },
        { type: "separator" },
        { label: "Open ALL-USE Agent", click: open },
        { label: "Quit", click: quit },
      ]),
    );
  }

  say(shown);
  tray.on("click", open);
  return {
    show(health) {
      if (health.level !== shown.level) tray.setImage(trayIcon(health.level));
      if (health.line !== shown.line) say(health);
      shown = health;
    },
  };
}
