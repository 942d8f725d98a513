import { afterEach, expect, test } from "vitest";
import { recorded, reset } from "../../test/desktop/fake-electron.ts";
import { createTray } from "./tray.ts";

afterEach(reset);

test("says how things are in tooltip, menu and colour, and touches them only when that changes", () => {
  const view = createTray(
    () => undefined,
    () => undefined,
  );
  const tray = recorded.trays[0];
  expect(tray.toolTip).toBe("ALL-USE Agent: Starting");
  const [image, menu] = [tray.image, tray.menu];
  view.show({ level: "calm", line: "Nothing needs you" });
  expect(tray.toolTip).toBe("ALL-USE Agent: Nothing needs you");
  expect(tray.image).toBe(image);
  expect(tray.menu).not.toBe(menu);
  const calmMenu = tray.menu;
  view.show({ level: "calm", line: "Nothing needs you" });
  expect(tray.menu).toBe(calmMenu);
  view.show({ level: "critical", line: "1 thing needs you" });
  expect(tray.image).not.toBe(image);
  expect(tray.menu?.labels()).toEqual(["1 thing needs you", undefined, "Open ALL-USE Agent", "Quit"]);
});

test("opens on a click and from its menu, and quits from its menu", () => {
  const done: string[] = [];
  createTray(
    () => done.push("open"),
    () => done.push("quit"),
  );
  recorded.trays[0].events.emit("click");
  recorded.trays[0].menu?.click("Open ALL-USE Agent");
  recorded.trays[0].menu?.click("Quit");
  expect(done).toEqual(["open", "open", "quit"]);
});
