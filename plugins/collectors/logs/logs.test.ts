import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { appendFile, mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Manifest } from "all-use-agent/sdk";
import { TestContext } from "all-use-agent/sdk/testing";
import { afterEach, beforeEach, expect, it, test } from "vitest";
import { until } from "../../../test/support/wait.ts";
import plugin from "./index.ts";
import type { SourceSettings } from "./settings.ts";

const manifest = JSON.parse(readFileSync(new URL("plugin.json", import.meta.url), "utf8")) as Manifest;
const REMOTE = "/lib/systemd/systemd-journal-remote";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "alluse-logs-"));
});
const running: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of running.splice(0)) await stop();
  await rm(folder, { recursive: true });
});

async function start(source: Partial<SourceSettings>, kept?: Uint8Array) {
  const ctx = new TestContext(manifest);
  const settings: SourceSettings = { name: "web", from: "beginning", templates: false, patterns: [], ...source };
  const collector = plugin(ctx, { interval_ms: 1000, sources: [settings] }) as Required<ReturnType<typeof plugin>> & {
    collect(signal: AbortSignal): Promise<void>;
  };
  if (kept) await ctx.store.write("places", kept);
  await collector.start(ctx.signal);
  running.push(async () => {
    await collector.stop();
    await ctx.dispose();
  });
  return {
    ctx,
    /** One tick later: what was emitted in it. */
    async tick() {
      await ctx.advance(1000);
      await collector.collect(ctx.signal);
      return ctx.emitted;
    },
    value: (name: string, labels: Record<string, string> = {}) =>
      ctx.emitted.findLast(
        (one) => one.name === name && Object.entries(labels).every(([key, value]) => one.labels[key] === value),
      )?.value,
    kept: () => ctx.stored.get("places")!,
  };
}

const SLOW = { name: "slow", match: "took (?P<ms>\\d+)ms", labels: [], value: "ms", event: true };

test("lines, levels and patterns are counted, and each match is an event at the line's own time", async () => {
  const path = join(folder, "web.log");
  await writeFile(path, "2026-01-05T11:59:00Z ERROR took 900ms\n2026-01-05T11:59:00Z took 5ms\nplain\n");
  const logs = await start({ files: [join(folder, "*.log")], patterns: [SLOW] });
  await logs.tick();
  expect(logs.value("alluse_log_lines_total")).toBe(3);
  expect(logs.value("alluse_log_level_lines_total", { level: "error" })).toBe(1);
  expect(logs.value("alluse_log_pattern_lines_total", { pattern: "slow" })).toBe(2);
  expect(logs.value("alluse_log_pattern_value")).toBe(5);
  expect(logs.value("alluse_log_lag_bytes")).toBe(0);
  const at = Date.UTC(2026, 0, 5, 11, 59);
  // Two of one millisecond stay two.
  expect(logs.ctx.emitted.filter(({ name }) => name === "alluse_log_event").map(({ timestampMs }) => timestampMs)).toEqual([
    at,
    at + 1,
  ]);
});

test("counts go on over a restart: nothing twice, nothing left out, whatever happened to the file", async () => {
  const path = join(folder, "web.log");
  await writeFile(path, "1\n2\n");
  const first = await start({ files: [path] });
  await first.tick();
  const kept = first.kept();
  await appendFile(path, "3\n");
  await first.tick();
  expect(first.value("alluse_log_lines_total")).toBe(3);
  await rename(path, `${path}.1`);
  await writeFile(path, "4\n5\n");
  // As after a kill: the snapshot is older than what was told.
  const second = await start({ files: [path] }, kept);
  await second.tick();
  expect(second.value("alluse_log_lines_total")).toBe(5);
});

test("records of several lines count once, long floods of events are bounded, shapes are bounded", async () => {
  const path = join(folder, "web.log");
  await writeFile(path, "2026 failed took 1ms\n  at x\n  at y\n".repeat(150));
  const logs = await start({ files: [path], record_start: "^\\d", patterns: [SLOW], templates: true });
  await logs.tick();
  expect(logs.value("alluse_log_lines_total")).toBe(150);
  expect(logs.value("alluse_log_dropped_events_total")).toBe(100);
  expect(logs.value("alluse_log_template_lines_total", { template: "<n> failed took <n>ms" })).toBe(150);
  await appendFile(
    path,
    Array.from({ length: 300 }, (_, i) => `${i} ${String.fromCharCode(97 + (i % 26)).repeat(i + 1)}\n`).join(""),
  );
  await logs.tick();
  expect(logs.value("alluse_log_template_lines_total", { template: "other" })).toBeGreaterThan(0);
  expect(new Set(logs.ctx.emitted.map(({ labels }) => labels["template"])).size).toBeLessThanOrEqual(102);
});

test("a file that cannot be read is said, and the others go on", async () => {
  await mkdir(join(folder, "dir.log"));
  await writeFile(join(folder, "web.log"), "x\n");
  const logs = await start({ files: [join(folder, "*.log")] });
  await logs.tick();
  expect(logs.value("alluse_log_lines_total")).toBe(1);
});

it.skipIf(!existsSync(REMOTE))("follows a real journal, and goes on behind its cursor after a restart", async () => {
  const journal = join(folder, "journal");
  await mkdir(journal);
  let monotonicUs = 0;
  const write = async (file: string, ...messages: [unit: string, priority: number, text: string][]): Promise<void> => {
    const nowUs = Date.now() * 1000;
    const entries = messages.map(
      ([unit, priority, text], i) =>
        `__REALTIME_TIMESTAMP=${nowUs + i}\n__MONOTONIC_TIMESTAMP=${++monotonicUs}\n_BOOT_ID=11111111111111111111111111111111\n_SYSTEMD_UNIT=${unit}\nPRIORITY=${priority}\nMESSAGE=${text}\n\n`,
    );
    await writeFile(join(folder, "export"), entries.join(""));
    const done = spawnSync(REMOTE, ["-o", join(journal, file), join(folder, "export")], { encoding: "utf8" });
    expect(done.status, done.stderr).toBe(0);
  };
  const source = { journal: { units: [], priority: "info", directory: journal }, patterns: [SLOW] };
  await write("a.journal", ["web.service", 3, "took 7ms"], ["db.service", 6, "fine"], ["db.service", 7, "too quiet"]);
  const first = await start(source);
  await until("both messages", 10_000, async () => {
    await first.tick();
    return first.value("alluse_log_lines_total") === 2;
  });
  expect(first.value("alluse_log_unit_lines_total", { unit: "web.service", level: "error" })).toBe(1);
  expect(first.value("alluse_log_pattern_value")).toBe(7);
  const kept = first.kept();
  await write("b.journal", ["web.service", 4, "took 8ms"]);
  const second = await start(source, kept);
  await until("the new message alone", 10_000, async () => {
    await second.tick();
    return second.value("alluse_log_lines_total") === 3;
  });
  expect(second.value("alluse_log_pattern_value")).toBe(8);
});

test("says where there is no journal", async () => {
  const logs = await start({ journal: { units: [], priority: "info", directory: "/no/such/folder" } });
  await until("its word", 10_000, async () => {
    await logs.tick();
    return logs.ctx.states.some(({ state }) => state === "degraded");
  });
  expect(logs.ctx.states.at(-1)?.reason).toMatch(/^web: journalctl/);
});
