import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { fitWindowState, readWindowState, writeWindowState } from "./window-state.ts";

const SCREEN = { x: 0, y: 0, width: 1920, height: 1080 };
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "alluse-window-"));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("a state written is the state read", () => {
  const file = join(folder, "window.json");
  const state = { x: -5, y: 40, width: 900, height: 700, maximized: true };
  writeWindowState(file, state);
  expect(readWindowState(file)).toEqual(state);
  expect(readdirSync(folder)).toEqual(["window.json"]);
});

test.each([
  "",
  "null",
  "[]",
  "{",
  '{"width":900}',
  '{"width":9,"height":9}',
  '{"width":1e9,"height":700}',
  '{"width":"900","height":700}',
])("a file holding %j gives the initial state", (text) => {
  const file = join(folder, "window.json");
  writeFileSync(file, text);
  expect(readWindowState(file)).toEqual({ width: 1280, height: 860, maximized: false });
});

test("no file gives the initial state", () => {
  expect(readWindowState(join(folder, "none.json"))).toEqual({ width: 1280, height: 860, maximized: false });
});

test("a place without a size that can be read keeps the size", () => {
  const file = join(folder, "window.json");
  writeFileSync(file, '{"x":"left","y":3,"width":900,"height":700}');
  expect(readWindowState(file)).toEqual({ width: 900, height: 700, maximized: false });
});

test("a window stays where enough of its title bar can be seen", () => {
  const state = { x: 1800, y: 0, width: 900, height: 700, maximized: false };
  expect(fitWindowState(state, [SCREEN])).toEqual(state);
  expect(fitWindowState({ ...state, x: -800 }, [SCREEN])).toEqual({ ...state, x: -800 });
});

test("a window whose display is gone comes back in the middle of one that is there", () => {
  const placeless = { width: 900, height: 700, maximized: true };
  for (const place of [
    { x: 2500, y: 100 },
    { x: 1900, y: 100 },
    { x: 100, y: -50 },
    { x: 100, y: 1070 },
  ]) {
    expect(fitWindowState({ ...placeless, ...place }, [SCREEN])).toEqual(placeless);
  }
  expect(fitWindowState({ ...placeless, x: 2500, y: 100 }, [SCREEN, { ...SCREEN, x: 1920 }])).toMatchObject({ x: 2500 });
});
