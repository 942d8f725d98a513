import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { LogBook } from "./log.ts";

let folder: string;
let book: LogBook;
let printed: string[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "alluse-log-"));
  printed = [];
  vi.spyOn(process.stderr, "write").mockImplementation((text) => printed.push(String(text)) > 0);
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance", "Date"] });
  book = new LogBook(folder);
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  book.close();
  rmSync(folder, { recursive: true });
});

const written = (): { message: string; repeated?: number }[] =>
  readFileSync(join(folder, "agent.log"), "utf8")
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as { message: string });

it("writes what is said again and again once, and a minute later how often", async () => {
  const log = book.logger("collectors/loud");
  for (let i = 0; i < 58; i++) log.warn("it is late");
  log.info("another");
  expect(written().map(({ message }) => message)).toEqual(["it is late", "another"]);
  expect(printed).toEqual(["warn: collectors/loud: it is late\n"]);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(written().at(-1)).toMatchObject({ message: "it is late … 57 times more", repeated: 57 });
  log.warn("it is late");
  expect(written().at(-1)?.message).toBe("it is late");
});

it("tells what it held back when it is closed", () => {
  const log = book.logger("agent");
  for (let i = 0; i < 3; i++) log.info("again");
  book.close();
  expect(written().at(-1)?.message).toBe("again … 2 times more");
});

it("remembers a bounded number of different lines, and loses no count of those it forgets", () => {
  const log = book.logger("agent");
  log.info("twice");
  log.info("twice");
  for (let i = 0; i < 1000; i++) log.info(`line ${i}`);
  expect(written().filter(({ message }) => message === "twice … 1 times more")).toHaveLength(1);
});

it("keeps the newest lines of each plugin instance apart, and none of the agent's own parts", () => {
  book.logger("collectors/a").info("of a");
  book.logger("collectors/a#lan").error("of a's lan", { code: "crashed" });
  book.logger("host").info("of the host");
  expect(book.pluginLog("collectors/a").lines.map(({ message }) => message)).toEqual(["of a"]);
  expect(book.pluginLog("collectors/a#lan").errors).toMatchObject([{ code: "crashed", count: 1 }]);
  expect(book.pluginLog("host").lines).toEqual([]);
});
