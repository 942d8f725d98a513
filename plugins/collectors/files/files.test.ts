import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { AgentError, type Batch, type Collector, fillConfig, type Manifest } from "all-use-agent/sdk";
import { conformanceChecks } from "all-use-agent/sdk/conformance";
import { TestContext } from "all-use-agent/sdk/testing";
import { execFileSync } from "node:child_process";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterAll, afterEach, beforeEach, describe, expect, it, test } from "vitest";
import { recordFigure } from "../../../test/support/figures.ts";
import { expand } from "./glob.ts";
import plugin from "./index.ts";

const manifest = JSON.parse(readFileSync(join(import.meta.dirname, "plugin.json"), "utf8")) as Manifest;
const START = Date.UTC(2026, 0, 5, 12);
const MINUTE = 60_000;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "alluse-files-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const ACCOUNTS = {
  name: "accounts",
  every: "1m",
  zone: "UTC",
  time_column: "timestamp",
  labels: { account: "account_id" },
  values: [{ column: "balance", metric: "account_balance_usd", type: "gauge", unit: "usd", help: "Balance." }],
};
const HEADER = "timestamp,account_id,balance,owner\n";
const line = (minute: number, account: string, balance: number | string): string =>
  `2026-01-05 ${String(10 + Math.floor(minute / 60)).padStart(2, "0")}:${String(minute % 60).padStart(2, "0")}:00.000000,${account},${balance},somebody\n`;

/** Writes a file as of a time of the simulated clock. */
function write(name: string, text: string | Buffer, atMs = START - MINUTE): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  utimesSync(path, atMs / 1000, atMs / 1000);
  return path;
}

function append(path: string, text: string, atMs: number): void {
  appendFileSync(path, text);
  utimesSync(path, atMs / 1000, atMs / 1000);
}

async function start(ctx: TestContext, ...sources: object[]): Promise<Collector> {
  const collector: Collector = plugin(ctx, fillConfig(manifest.config!, { sources }) as never);
  await collector.start?.(ctx.signal);
  return collector;
}

const own = (ctx: TestContext) => ctx.emitted.filter(({ name }) => !name.startsWith("alluse_batch_"));
const figure = (ctx: TestContext, name: string, labels: Record<string, string> = {}) =>
  ctx.emitted.findLast((one) => one.name === name && Object.entries(labels).every(([key, value]) => one.labels[key] === value))
    ?.value;

describe("a CSV file", () => {
  it("becomes samples of its own times, and only what is new at the next run", async () => {
    const ctx = new TestContext(manifest, { startMs: START });
    const path = write("a.csv", HEADER + line(0, "G1", 100) + line(1, "G1", "") + line(2, "G2", 1e6));
    await start(ctx, { ...ACCOUNTS, paths: [join(folder, "*.csv")] });
    await ctx.advance(MINUTE);
    expect(own(ctx)).toMatchObject([
      { name: "account_balance_usd", labels: { account: "G1" }, timestampMs: Date.UTC(2026, 0, 5, 10), value: 100 },
      { labels: { account: "G2" }, timestampMs: Date.UTC(2026, 0, 5, 10, 2), value: 1e6 },
    ]);
    append(path, line(3, "G1", 101), ctx.clock.now());
    await ctx.advance(2 * MINUTE);
    expect(own(ctx)).toHaveLength(3);
    expect(figure(ctx, "alluse_batch_rows_total")).toBe(4);
    expect(figure(ctx, "alluse_batch_samples_total", { source: "files/accounts" })).toBe(3);
    expect(figure(ctx, "alluse_batch_rejected_rows_total", { reason: "empty" })).toBe(1);
    expect(figure(ctx, "alluse_batch_lag_seconds")).toBeGreaterThan(6600);
    expect(ctx.states.at(-1)).toMatchObject({ state: "ok" });
  });

  it("waits for the end of a line that is being written", async () => {
    const ctx = new TestContext(manifest, { startMs: START });
    const path = write("a.csv", `${HEADER}${line(0, "G1", 1)}2026-01-05 10:01:00,G1,`, START + MINUTE);
    await start(ctx, { ...ACCOUNTS, paths: [path] });
    await ctx.advance(MINUTE);
    expect(own(ctx)).toHaveLength(1);
    append(path, "25,x", ctx.clock.now());
    await ctx.advance(MINUTE);
    // It has been as it is for a minute: that was all.
    expect(own(ctx).map(({ value }) => value)).toEqual([1, 25]);
  });

  it("goes on in a file that was renamed, and reads the new one, one that was cut, and one written anew", async () => {
    const ctx = new TestContext(manifest, { startMs: START });
    const path = write("a.csv", HEADER + line(0, "G1", 1) + line(1, "G1", 2));
    await start(ctx, { ...ACCOUNTS, paths: [join(folder, "a.csv*")] });
    await ctx.advance(MINUTE);
    renameSync(path, `${path}.1`);
    append(`${path}.1`, line(2, "G1", 3), ctx.clock.now());
    write("a.csv", HEADER + line(3, "G1", 4), ctx.clock.now() + 1000);
    await ctx.advance(MINUTE);
    expect(own(ctx).map(({ value }) => value)).toEqual([1, 2, 3, 4]);
    truncateSync(path, 0);
    append(path, HEADER + line(4, "G1", 5), ctx.clock.now());
    await ctx.advance(MINUTE);
    expect(own(ctx).at(-1)?.value).toBe(5);
    write("a.csv", HEADER + line(4, "G1", 6), ctx.clock.now());
    await ctx.advance(MINUTE);
    expect(own(ctx).at(-1)?.value).toBe(6);
    expect(own(ctx)).toHaveLength(6);
  });

  it("is read from where it was left after a restart, even if nobody said stop", async () => {
    const before = new TestContext(manifest, { startMs: START });
    const path = write("a.csv", HEADER + line(0, "G1", 1));
    await start(before, { ...ACCOUNTS, paths: [path] });
    await before.advance(MINUTE);
    append(path, line(1, "G1", 2), before.clock.now());
    const after = new TestContext(manifest, { startMs: START + 10 * MINUTE });
    for (const [name, bytes] of before.stored) after.stored.set(name, bytes);
    await before.dispose();
    // The instants of the ten minutes were missed: one run makes up for them, at the first tick.
    await start(after, { ...ACCOUNTS, paths: [path] });
    await after.advance(1000);
    expect(own(after).map(({ value }) => value)).toEqual([2]);
  });

  it("keeps rejected rows with reason and place, showing nothing that is not mapped", async () => {
    const ctx = new TestContext(manifest, { startMs: START });
    write(
      "a.csv",
      `${HEADER}${line(0, "G1", "lots")}yesterday,G1,5,x\n1,2\n"a"b,c\n2027-01-01,G1,1,x\n${line(1, "G1", -5)}${line(2, "G1", 7)}`,
    );
    const collector = await start(ctx, {
      ...ACCOUNTS,
      paths: [join(folder, "a.csv")],
      rules: [{ column: "balance", minimum: 0 }],
    });
    await ctx.advance(MINUTE);
    expect(own(ctx).map(({ value }) => value)).toEqual([7]);
    const answer = await collector.handle!(
      {
        method: "GET",
        path: "/api/batch/files",
        query: new URLSearchParams(),
        header: () => undefined,
        body: () => Promise.resolve(new Uint8Array()),
      },
      ctx.signal,
    );
    const [source] = (JSON.parse(answer.body as string) as { sources: { rejected: Record<string, unknown>[] }[] }).sources;
    const rejected = source.rejected.sort((a, b) => (a["line"] as number) - (b["line"] as number));
    expect(rejected.map(({ line: at, reason }) => [at, reason])).toEqual([
      [2, "rule"],
      [3, "time"],
      [4, "columns"],
      [5, "syntax"],
      [6, "time_ahead"],
      [7, "rule"],
    ]);
    expect(rejected[0]["text"]).toBe("2026-01-05 10:00:00.000000,G1,lots,-,-");
    expect(rejected[3]).toMatchObject({ text: '"x"x,x', column: 4, where: "a.csv" });
    expect(JSON.stringify(rejected)).not.toContain("somebody");
  });

  it("may be transformed, enriched and split on the way", async () => {
    const ctx = new TestContext(manifest, { startMs: START });
    write("a.csv", "when;what;euro;share\n05.01.2026 11:00;G1/generation;1.234,50;12\n05.01.2026 11:00;X9/revenue;n/a;50\n");
    await start(ctx, {
      name: "a",
      every: "1m",
      paths: [join(folder, "a.csv")],
      delimiter: ";",
      zone: "Europe/Berlin",
      time_column: "when",
      time_format: "pattern",
      time_pattern: "DD.MM.YYYY HH:mm",
      labels: { account: "id", kind: "kind", owner: "owner", file: "_file" },
      values: [
        { column: "euro", metric: "account_balance_eur" },
        { column: "ratio", metric: "account_share_ratio", unit: "ratio" },
        { column: "kind", metric: "account_kind", type: "state", states: ["generation", "revenue"] },
      ],
      transforms: [
        { do: "missing", texts: ["", "n/a"] },
        { do: "decimal_comma", column: "euro" },
        { do: "split", column: "what", separator: "/", into: ["id", "kind"] },
        { do: "scale", column: "share", factor: 0.01, to: "ratio" },
        { do: "lookup", column: "id", table: { G1: { owner: "desk" } } },
      ],
    });
    await ctx.advance(MINUTE);
    const found = own(ctx).map(({ name, labels, value }) => [
      name,
      labels["account"],
      labels["owner"],
      labels["account_kind"],
      value,
    ]);
    expect(found).toEqual([
      ["account_balance_eur", "G1", "desk", undefined, 1234.5],
      ["account_share_ratio", "G1", "desk", undefined, 0.12],
      ["account_kind", "G1", "desk", "generation", 1],
      ["account_kind", "G1", "desk", "revenue", 0],
      ["account_share_ratio", "X9", undefined, undefined, 0.5],
      ["account_kind", "X9", undefined, "generation", 0],
      ["account_kind", "X9", undefined, "revenue", 1],
    ]);
    expect(own(ctx)[0].timestampMs).toBe(Date.UTC(2026, 0, 5, 10));
    expect(own(ctx)[0].labels["file"]).toBe("a.csv");
  });

  it("says what is wrong with one file, and reads the others", async () => {
    const ctx = new TestContext(manifest, { startMs: START });
    write("a.csv", "other,columns\n1,2\n");
    write("b.csv", HEADER + line(0, "G1", 1));
    await start(ctx, { ...ACCOUNTS, paths: [join(folder, "*.csv")] });
    await ctx.advance(MINUTE);
    expect(own(ctx)).toHaveLength(1);
    expect(ctx.states.at(-1)).toMatchObject({
      state: "degraded",
      reason: expect.stringMatching(/accounts: .*a\.csv.*timestamp/) as string,
    });
    write("a.csv", HEADER, ctx.clock.now());
    await ctx.advance(MINUTE);
    expect(ctx.states.at(-1)).toMatchObject({ state: "ok" });
  });
});

it("reads packed files, and goes on in one that was broken off", async () => {
  const ctx = new TestContext(manifest, { startMs: START });
  const whole = gzipSync(HEADER + Array.from({ length: 5000 }, (_, i) => line(i % 100, `G${i}`, i)).join(""));
  const path = write("a.csv.gz", whole.subarray(0, whole.length / 2));
  await start(ctx, { ...ACCOUNTS, paths: [path] });
  await ctx.advance(MINUTE);
  const first = own(ctx).length;
  expect(first).toBeGreaterThan(0);
  expect(ctx.states.at(-1)?.reason).toMatch(/damaged or still being written/);
  write("a.csv.gz", whole, ctx.clock.now());
  await ctx.advance(MINUTE);
  expect(own(ctx).map(({ value }) => value)).toEqual(Array.from({ length: 5000 }, (_, i) => i));
});

it("reads JSON lines and exposition text", async () => {
  const ctx = new TestContext(manifest, { startMs: START });
  write("a.jsonl", '{"at":1767600000,"id":"G1","data":{"x":5}}\nnonsense\n{"at":1767600001,"id":"G1","data":{"x":6}}\n');
  write("b.prom", '# TYPE up gauge\nup{job="a"} 1\nup{job="b"} 0 1767600000000\n{\n');
  await start(
    ctx,
    {
      name: "lines",
      every: "1m",
      format: "jsonl",
      paths: [join(folder, "a.jsonl")],
      time_column: "at",
      time_format: "unix_s",
      labels: { id: "id" },
      values: [{ column: "/data/x", metric: "x" }],
    },
    { name: "text", every: "1m", format: "prometheus", paths: [join(folder, "*.prom")], constant_labels: { place: "here" } },
  );
  await ctx.advance(2 * MINUTE);
  expect(own(ctx)).toEqual([
    { name: "x", labels: { id: "G1" }, timestampMs: 1767600000000, value: 5 },
    { name: "x", labels: { id: "G1" }, timestampMs: 1767600001000, value: 6 },
    { name: "up", labels: { job: "a", place: "here" }, timestampMs: START - MINUTE, value: 1 },
    { name: "up", labels: { job: "b", place: "here" }, timestampMs: 1767600000000, value: 0 },
  ]);
  expect(figure(ctx, "alluse_batch_rejected_rows_total", { source: "files/lines", reason: "syntax" })).toBe(1);
  expect(figure(ctx, "alluse_batch_rejected_rows_total", { source: "files/text", reason: "syntax" })).toBe(1);
});

describe("schedules", () => {
  const runs = (ctx: TestContext) => figure(ctx, "alluse_batch_runs_total", { result: "ok" });

  it("run for each instant once, over clock steps and sleep", async () => {
    const ctx = new TestContext(manifest, { startMs: START });
    write("a.csv", HEADER);
    const { name: _, every: __, ...rest } = ACCOUNTS;
    await start(ctx, { ...rest, name: "all", schedule: "@hourly", catch_up: "all", paths: [join(folder, "a.csv")] });
    await ctx.advance(65 * MINUTE);
    expect(runs(ctx)).toBe(1);
    ctx.clock.step(-30 * MINUTE);
    await ctx.advance(40 * MINUTE);
    expect(runs(ctx)).toBe(1);
    // Three hours pass without a tick.
    ctx.clock.advance(3 * 60 * MINUTE);
    await ctx.advance(MINUTE);
    expect(runs(ctx)).toBe(4);
    expect(figure(ctx, "alluse_batch_missed_runs_total")).toBe(0);
  });

  it("give rows without a time the scheduled instant, late or not", async () => {
    const ctx = new TestContext(manifest, { startMs: START });
    const path = write("a.csv", "id,x\n1,5\n");
    await start(ctx, { name: "a", schedule: "30 12 * * *", zone: "UTC", paths: [path], values: [{ column: "x" }] });
    ctx.clock.advance(45 * MINUTE);
    await ctx.advance(1000);
    expect(own(ctx)).toEqual([{ name: "x", labels: {}, timestampMs: START + 30 * MINUTE, value: 5 }]);
  });
});

it("follows links only within the folder, and takes no devices", async () => {
  const inside = join(folder, "in");
  mkdirSync(join(inside, "deep/er"), { recursive: true });
  write("secret.csv", "x");
  write("in/a.csv", "x");
  write("in/deep/er/b.csv", "x");
  symlinkSync(join(folder, "secret.csv"), join(inside, "link.csv"));
  symlinkSync(join(inside, "a.csv"), join(inside, "again.csv"));
  symlinkSync(folder, join(inside, "up"));
  const names = async (pattern: string) =>
    (await expand(join(inside, pattern))).files.map(({ realPath }) => realPath.slice(folder.length + 1));
  expect(await names("*.csv")).toEqual(["in/a.csv"]);
  expect((await expand(join(inside, "*.csv"))).outside).toEqual([join(inside, "link.csv")]);
  expect((await names("**/*.csv")).sort()).toEqual(["in/a.csv", "in/deep/er/b.csv"]);
  expect(await names("*/secret.csv")).toEqual([]);
  expect(await names("*/*/[!a].csv")).toEqual(["in/deep/er/b.csv"]);
  expect(await names("[a].cs?")).toEqual(["in/a.csv"]);
  expect((await expand("/dev/nul*")).files).toEqual([]);
  expect((await expand("/nowhere/at/all/*.csv")).files).toEqual([]);
});

/** What survives a kill: the store, and what was flushed. */
class Disk {
  readonly samples = new Map<string, number>();
  readonly stored = new Map<string, Uint8Array>();
}

/** When the power goes: at the n-th call of a kind, before or after it has done what it does. */
interface Death {
  readonly call: "emit" | "flush" | "write";
  readonly nth: number;
  readonly after: boolean;
}

/** A context whose power goes. */
class MortalContext extends TestContext {
  readonly calls = { emit: 0, flush: 0, write: 0 };
  alive = true;
  private readonly disk: Disk;
  private readonly death: Death | null;
  private unsaved: [string, number][] = [];

  constructor(disk: Disk, death: Death | null, startMs: number) {
    super(manifest, { startMs });
    this.disk = disk;
    this.death = death;
    for (const [name, bytes] of disk.stored) this.stored.set(name, bytes);
  }

  override emit(batch: Batch): number {
    this.living("emit", () => {
      for (let row = 0; row < batch.length; row++) {
        const { name, labels } = this.seriesInfo(batch.series[row]);
        this.unsaved.push([`${name}${JSON.stringify(labels)}@${batch.timestamps[row]}`, batch.values[row]]);
      }
    });
    return 0;
  }

  override async flush(): Promise<void> {
    await Promise.resolve();
    this.living("flush", () => {
      for (const [key, value] of this.unsaved) this.disk.samples.set(key, value);
      this.unsaved = [];
    });
  }

  override readonly store = {
    read: (name: string) => Promise.resolve(this.stored.get(name) ?? null),
    write: async (name: string, bytes: Uint8Array) => {
      await Promise.resolve();
      this.living("write", () => {
        this.stored.set(name, bytes.slice());
        this.disk.stored.set(name, bytes.slice());
      });
    },
  };

  private living(call: Death["call"], task: () => void): void {
    const now = ++this.calls[call] === this.death?.nth && this.death.call === call;
    if (this.alive && (!now || this.death.after)) task();
    if (now) this.alive = false;
    if (!this.alive) throw new AgentError("stopped", "it was killed");
  }
}

it("loses nothing and doubles nothing wherever it is killed", { timeout: 240_000 }, async () => {
  const rows = 110_000;
  let text = HEADER;
  for (let i = 0; i < rows; i++) text += `${new Date(START - (rows - i) * 1000).toISOString()},G${i % 7},${i},x\n`;
  const path = write("a.csv", text);
  const live = async (disk: Disk, death: Death | null, atMs: number): Promise<MortalContext> => {
    const ctx = new MortalContext(disk, death, atMs);
    try {
      await start(ctx, { ...ACCOUNTS, paths: [path], run_at_start: true });
      await ctx.advance(1000);
    } catch (error) {
      expect(error).toMatchObject({ code: "stopped" });
    }
    await ctx.dispose();
    return ctx;
  };
  const whole = (disk: Disk): void => {
    const balances = [...disk.samples].filter(([key]) => key.startsWith("account_balance_usd"));
    expect(balances).toHaveLength(rows);
    expect(new Set(balances.map(([, value]) => value)).size).toBe(rows);
  };
  const untroubled = new Disk();
  const { calls } = await live(untroubled, null, START);
  whole(untroubled);
  expect(calls.flush).toBeGreaterThan(2);

  const deaths: Death[] = [];
  for (const call of ["flush", "write"] as const)
    for (let nth = 1; nth <= calls[call]; nth++) for (const after of [false, true]) deaths.push({ call, nth, after });
  for (const nth of [1, calls.emit >> 1, calls.emit]) deaths.push({ call: "emit", nth, after: true });
  for (const death of deaths) {
    const disk = new Disk();
    expect((await live(disk, death, START)).alive, JSON.stringify(death)).toBe(false);
    // Killed once more on the way.
    await live(disk, { call: "flush", nth: 1, after: false }, START + MINUTE);
    await live(disk, null, START + 2 * MINUTE);
    whole(disk);
  }
});

/** Counts instead of keeping. */
class CountingContext extends TestContext {
  samples = 0;

  override emit(batch: Batch): number {
    this.samples += batch.length;
    return 0;
  }
}

it("streams a million rows in bounded memory", { timeout: 240_000 }, async () => {
  const rows = 1_000_000;
  const path = join(folder, "big.csv");
  // By another program: what it needs for that is not what is measured here.
  execFileSync("awk", [
    `BEGIN { printf "timestamp,account_id,balance,owner\\n" > "${path}"; for (i = 0; i < ${rows}; i++) printf "%d,G%d,%d.25,somebody\\n", ${START / 1000 - rows} + i, i % 300, i > "${path}" }`,
  ]);
  const ctx = new CountingContext(manifest, { startMs: START });
  utimesSync(path, START / 1000 - 60, START / 1000 - 60);
  await start(ctx, { ...ACCOUNTS, time_format: "unix_s", paths: [path], run_at_start: true });
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
  const beforeBytes = process.memoryUsage().rss;
  let peakBytes = beforeBytes;
  const watch = setInterval(() => (peakBytes = Math.max(peakBytes, process.memoryUsage().rss)), 20);
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const beganMs = performance.now();
  await ctx.advance(1000);
  const seconds = (performance.now() - beganMs) / 1000;
  clearInterval(watch);
  delay.disable();
  recordFigure("batch: main thread held while a file is read, p99", delay.percentile(99) / 1e6 - 1, "ms");
  expect(ctx.samples).toBeGreaterThanOrEqual(rows);
  const grownMb = (peakBytes - beforeBytes) / 2 ** 20;
  recordFigure("batch: rows of a CSV file read", rows / seconds, "rows/s");
  recordFigure("batch: resident memory a million rows add at most", grownMb, "MB");
  recordFigure("batch: size of that file", statSync(path).size / 2 ** 20, "MB");
  // The file has some 30 MB; what is held of it does not depend on its size.
  expect(grownMb).toBeLessThan(200);
});

describe("conformance with a source at work", () => {
  const data = mkdtempSync(join(tmpdir(), "alluse-files-kit-"));
  afterAll(() => rmSync(data, { recursive: true, force: true }));
  writeFileSync(join(data, "a.csv"), HEADER + line(0, "G1", 1) + line(1, "G2", "x") + line(2, "G2", 3));
  const sources = [{ ...ACCOUNTS, every: "1m", paths: [join(data, "*.csv")], run_at_start: true }];
  for (const { name, run } of conformanceChecks(manifest, () => import("./index.ts"), {
    config: { sources },
    ticks: 500,
    memoryMs: 1500,
  }))
    test(name, run);
});
