import type { App } from "electron";
import { afterEach, expect, test, vi } from "vitest";
import { app, recorded, reset } from "../../test/desktop/fake-electron.ts";
import { stopBeforeQuit } from "./quit.ts";

afterEach(() => {
  vi.useRealTimers();
  reset();
});

function quitting(stop: () => Promise<void>): number[] {
  const exits: number[] = [];
  recorded.exit = (code) => void exits.push(code);
  stopBeforeQuit(app as unknown as App, stop);
  return exits;
}

test("the app quits only when the agent has stopped, which is asked for once", async () => {
  let stops = 0;
  let release = (): void => undefined;
  const exits = quitting(() => {
    stops++;
    return new Promise((resolve) => (release = resolve));
  });
  app.quit();
  app.quit();
  expect([stops, exits]).toEqual([1, []]);
  release();
  await vi.waitFor(() => expect(exits).toEqual([0]), { timeout: 30_000 });
  expect(stops).toBe(1);
});

test("a stop that fails does not keep the app", async () => {
  const logged = vi.spyOn(console, "error").mockReturnValue();
  const exits = quitting(() => Promise.reject(new Error("disk gone")));
  app.quit();
  await vi.waitFor(() => expect(exits).toEqual([0]), { timeout: 30_000 });
  expect(logged).toHaveBeenCalledOnce();
  logged.mockRestore();
});

test("a stop that hangs is given up after ten seconds", async () => {
  vi.useFakeTimers();
  const exits = quitting(() => new Promise(() => undefined));
  app.quit();
  await vi.advanceTimersByTimeAsync(9000);
  expect(exits).toEqual([]);
  await vi.advanceTimersByTimeAsync(1500);
  expect(exits).toEqual([0]);
});
