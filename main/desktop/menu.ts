import { Menu } from "electron";

/** What the keyboard needs: copy and paste, zoom, quit. Nothing of it opens developer tools or another window. */
export function setApplicationMenu(): void {
  Menu.setApplicationMenu(
    Menu.buildFromTemplate([
      ...(process.platform === "darwin" ? [{ role: "appMenu" as const }] : []),
      { label: "File", submenu: [{ role: "close" }, ...(process.platform === "darwin" ? [] : [{ role: "quit" as const }])] },
      { role: "editMenu" },
      {
        label: "View",
        submenu: [
          { role: "reload" },
          { type: "separator" },
          { role: "resetZoom" },
          { role: "zoomIn" },
          { role: "zoomOut" },
          { type: "separator" },
          { role: "togglefullscreen" },
        ],
      },
    ]),
  );
}
