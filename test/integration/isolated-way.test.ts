/**
 * Installed plugins on the samples' way, each in its process, against the built agent: a processor that does its work, some
 * that do their worst, and models of both sorts. Whatever they do, samples go on, in order, and what was acknowledged is kept.
 */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ForecastReport, PluginReport } from "all-use-agent/sdk";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type RunningAgent, startAgent, temporaryFolder } from "../support/agent.ts";
import { recordFigure } from "../support/figures.ts";
import { type Stalls, watchStalls } from "../support/stalls.ts";
import { sleep, until } from "../support/wait.ts";

const WATCHED_MS = 14_000;
/** Values from here on provoke the hostile ones. */
const WORST_FROM = 4;

function write(dataDir: string, id: string, code: string, manifest: Record<string, unknown>): void {
  const folder = join(dataDir, "plugins", id);
  mkdirSync(folder, { recursive: true });
  const whole = { id, version: "1.0.0", api: 1, entry: "index.mjs", title: id, stability: "beta", ...manifest };
  writeFileSync(join(folder, "plugin.json"), JSON.stringify(whole));
  writeFileSync(join(folder, "index.mjs"), code);
}

function collector(dataDir: string, name: string, metrics: readonly string[], emit: string): void {
  const declared = Object.fromEntries(metrics.map((metric) => [metric, { type: "gauge", help: "A number that grows." }]));
  const code = `import { createBatch } from "all-use-agent/sdk";
export default (ctx) => {
  const batch = createBatch(${metrics.length});
  batch.series.set(${JSON.stringify(metrics)}.map((name) => ctx.series(name)));
  let tick = 0;
  return { async collect() {
    batch.length = ${metrics.length};
    batch.timestamps.fill(ctx.clock.now());
    batch.values.fill(++tick);
    ${emit}
  } };
};`;
  write(dataDir, `collectors/${name}`, code, { kind: "collector", metrics: declared });
}

/** Changes batches of its own metric, \`way_<name>\`, unless it is granted another. */
function processor(dataDir: string, name: string, body: string, manifest: Record<string, unknown> = {}): void {
  const code = `import { writeSync } from "node:fs";
export default (ctx) => { let n = 0; let armed = false; return { process(batch) { const worst = batch.values[0] >= ${WORST_FROM}; ${body} } } };`;
  write(dataDir, `processors/${name}`, code, {
    kind: "processor",
    mutates: true,
    permissions: [`metrics:read:way_${name}`],
    ...manifest,
  });
}

/** Name → [what its process() does, expected codes, expected reasons]. */
const WORST: Readonly<Record<string, readonly [string, RegExp, RegExp]>> = {
  spins: [`if (worst) for (;;);`, /^(silent|processor_late)$/, /sign of life|in time|longer than 250 ms/],
  exits: [`if (worst) process.exit(9);`, /^crashed$/, /status 9/],
  throws: [`if (worst) throw new Error("thrown in process");`, /^(fault|faults_repeated)$/, /thrown in process/],
  slow: [
    `if (worst) { const until = Date.now() + 400; while (Date.now() < until); }`,
    /^(processor_late|silent)$/,
    /longer than 250 ms|in time|sign of life/,
  ],
  foreign: [`if (worst) batch.series[0] = 12345;`, /^(fault|faults_repeated)$/, /neither in the batch nor from/],
  timeless: [`if (worst) batch.timestamps[0] = NaN;`, /^(fault|faults_repeated)$/, /no time/],
  more: [`if (worst) batch.length += 5;`, /^(fault|faults_repeated)$/, /never made longer/],
  garbage: [
    `if (worst) { const frame = Buffer.alloc(30); frame.writeUInt32LE(25, 0); frame[4] = 4; frame.writeUInt32LE(1, 5); frame.writeUInt32LE(99, 9); writeSync(3, frame); }`,
    /^frame_invalid$/,
    /does not add up/,
  ],
  forged: [
    `if (worst) { const frame = Buffer.alloc(13); frame.writeUInt32LE(8, 0); frame[4] = 4; frame.writeUInt32LE(4e9, 5); writeSync(3, frame); }`,
    /^frame_invalid$/,
    /not asked/,
  ],
};
const CALM = ["halves", "all"];

const valuesOf = async (agent: RunningAgent, expr: string, seconds: number): Promise<number[]> => {
  const [row] = await agent.query(`${expr}[${seconds}s]`);
  return (row?.values ?? []).map(([, value]) => Number(value));
};

describe("processors in their processes", () => {
  const dataDir = temporaryFolder();
  let agent: RunningAgent;
  let startedMs = 0;
  let stalls: Stalls;
  const seen = new Map<string, { codes: Set<string>; reasons: Set<string>; firstMs: number }>();
  let watching = true;
  let watched: Promise<void> = Promise.resolve();
  const reportOf = async (name: string): Promise<PluginReport> =>
    (await agent.plugins()).find(({ id }) => id === `processors/${name}`)!;

  beforeAll(async () => {
    for (const [name, [body]] of Object.entries(WORST)) processor(dataDir, name, body);
    processor(
      dataDir,
      "halves",
      `let kept = 0;
       for (let i = 0; i < batch.length; i++) {
         if (batch.values[i] % 2 === 1) continue;
         batch.series[kept] = batch.series[i]; batch.timestamps[kept] = batch.timestamps[i]; batch.values[kept++] = batch.values[i];
       }
       batch.length = kept;`,
    );
    // Every sample of the host goes through it, too.
    processor(dataDir, "all", ``, { permissions: ["metrics:read:*"], order: 900 });
    agent = await startAgent({ dataDir });
    const ready = [...Object.keys(WORST), ...CALM].map((name) => `processors/${name}`);
    await until("all processors", 30_000, async () => {
      const reports = await agent.plugins();
      return ready.every((id) => reports.some((report) => report.id === id && report.state === "ok"));
    });
    // Their samples begin when they are there.
    collector(
      dataDir,
      "source",
      [...Object.keys(WORST), ...CALM].map((name) => `way_${name}`),
      `ctx.emit(batch);`,
    );
    await until("the first sample", 20_000, async () => (await agent.query("way_halves")).length > 0, 20);
    startedMs = Date.now();
    const watch = async (): Promise<void> => {
      while (watching) {
        for (const { id, code, reason } of await agent.plugins()) {
          const entry = seen.get(id) ?? { codes: new Set(), reasons: new Set(), firstMs: 0 };
          seen.set(id, entry);
          if (code !== null) entry.codes.add(code);
          if (code !== null) entry.firstMs ||= Date.now();
          if (reason !== null) entry.reasons.add(reason);
        }
        await sleep(50);
      }
    };
    watched = watch();
    stalls = watchStalls();
    await sleep(WATCHED_MS);
    stalls.stop();
    const contained = (name: string): boolean =>
      [...(seen.get(`processors/${name}`)?.codes ?? [])].some((one) => WORST[name][1].test(one));
    await until("all of them to be contained", 20_000, () => Object.keys(WORST).every(contained)).catch(() => undefined);
  });
  afterAll(async () => {
    watching = false;
    await watched;
    await agent.stop();
    rmSync(dataDir, { recursive: true, force: true });
  });

  test("drop what they drop, and nothing else", async () => {
    const kept = await valuesOf(agent, "way_halves", 600);
    expect(kept.length).toBeGreaterThan(3);
    // A batch that came back late is there as it was.
    const late = (await reportOf("halves")).cost.skipped;
    expect(kept.filter((value) => value % 2 === 1).length).toBeLessThanOrEqual(late);
  });

  test.each(Object.entries(WORST))("%s: is contained and says why", async (name, [, code, reason]) => {
    const { codes, reasons } = seen.get(`processors/${name}`)!;
    expect(
      [...codes].filter((one) => code.test(one)),
      [...codes].join(),
    ).not.toEqual([]);
    expect(
      [...reasons].filter((one) => reason.test(one)),
      [...reasons].join(),
    ).not.toEqual([]);
  });

  test("within seconds", async () => {
    const times: number[] = [];
    for (const name of Object.keys(WORST)) {
      const [row] = await agent.query(`way_${name}[600s]`);
      const [worst] = (row?.values ?? []).filter(([, value]) => Number(value) >= WORST_FROM);
      times.push(seen.get(`processors/${name}`)!.firstMs - worst[0] * 1000);
    }
    recordFigure("hostile processor reported after, slowest", Math.max(...times), "ms");
    expect(Math.max(...times)).toBeLessThan(10_000 + 5 * stalls.heldUpMs);
  });

  test("no sample of theirs is lost, and none is out of order", async () => {
    const all = await valuesOf(agent, "way_all", 600);
    for (const name of Object.keys(WORST)) {
      const values = await valuesOf(agent, `way_${name}`, 600);
      expect(values, name).toEqual([...values].sort((a, b) => a - b));
      expect(values.slice(0, all.length).length, name).toBeGreaterThanOrEqual(all.length - 2);
      expect(values, name).toEqual(values.map((_, i) => values[0] + i));
    }
  });

  test("the host's collector and the panels miss no tick", async () => {
    const endMs = Date.now() - 1000;
    const seconds = Math.floor((endMs - startedMs) / 1000);
    for (const expr of ["node_load1", `alluse_panel_value{panel="collectors/host/cpu"}`]) {
      const [row] = await agent.query(`${expr}[${seconds}s]`, endMs);
      const times = new Set((row?.values ?? []).map(([time]) => Math.round(time)));
      // While even a timer of the test comes late, the machine is to blame, not the hosting.
      expect(seconds - times.size, expr).toBeLessThanOrEqual(1 + (3 * stalls.heldUpMs) / 1000);
    }
    recordFigure("isolated processor of all samples, p50", (await reportOf("all")).cost.p50Ms, "ms");
    recordFigure("isolated processor of all samples, p99", (await reportOf("all")).cost.p99Ms, "ms");
  });
});

describe("what was acknowledged", () => {
  test("has come back from the processor: it is kept when the agent is killed at that moment", async () => {
    const dataDir = temporaryFolder();
    try {
      processor(dataDir, "acked", `const until = Date.now() + 150; while (Date.now() < until);`);
      const emit = `ctx.emit(batch); await ctx.flush(); ctx.status("degraded", "kept " + tick);`;
      collector(dataDir, "acks", ["way_acked"], emit);
      const agent = await startAgent({ dataDir });
      const ready = async (): Promise<boolean> =>
        (await agent.plugins()).some(({ id, state, cost }) => id === "processors/acked" && state === "ok" && cost.calls > 0);
      await until("the processor at work", 30_000, ready);
      const acknowledged = async (): Promise<number> => {
        const report = (await agent.plugins()).find(({ id }) => id === "collectors/acks");
        return Number(/^kept (\d+)/.exec(report?.reason ?? "")?.[1] ?? 0);
      };
      const before = await acknowledged();
      const kept = await until(
        "the next acknowledgement",
        10_000,
        async () => {
          const ticks = await acknowledged();
          return ticks > before + 1 ? ticks : null;
        },
        5,
      );
      await agent.kill();
      await using again = await startAgent({ dataDir, args: ["--bare"] });
      const values = await valuesOf(again, "way_acked", 120);
      expect(values.slice(0, kept)).toEqual(Array.from({ length: kept }, (_, i) => i + 1));
    } finally {
      rmSync(dataDir, { recursive: true, force: true });
    }
  });
});

describe("models in their processes", () => {
  const dataDir = temporaryFolder();
  afterAll(() => rmSync(dataDir, { recursive: true, force: true }));
  const model = (name: string, body: string): void =>
    write(
      dataDir,
      `models/${name}`,
      `export default () => ({ task: "forecast", fit({ timestamps, values }) { ${body}
        const card = { model: "${name}", trainedMs: 1, fromMs: 1, toMs: 2, samples: values.length, parameters: {}, metrics: {} };
        const last = timestamps.at(-1);
        return { card, predict: (stepMs, count, level) => {
          const at = (value) => new Float64Array(count).fill(value);
          return { timestampsMs: at(last).map((ms, i) => ms + (i + 1) * stepMs), expected: at(5), low: at("${name}" === "c-nan" ? NaN : 4), high: at(6), level, method: "${name}" };
        } };
      } })`,
      { kind: "model", provides: ["forecast"] },
    );
  const forecast = (agent: RunningAgent): Promise<ForecastReport> =>
    agent.json(`/api/agent/forecast?query=${encodeURIComponent("node_load1")}&horizon_ms=60000&step_ms=1000`);
  const enough = async (agent: RunningAgent): Promise<void> => {
    await until("some history", 30_000, async () => (await valuesOf(agent, "node_load1", 600)).length > 20);
  };

  test("answer where the bundled one is disabled; the next is asked when one crashes, hangs or lies", async () => {
    model("a-exits", `process.exit(3);`);
    model("b-hangs", `return new Promise(() => {});`);
    model("c-nan", ``);
    model("d-flat", ``);
    writeFileSync(join(dataDir, "config.json"), JSON.stringify({ plugins: { "models/forecast": { enabled: false } } }));
    {
      await using agent = await startAgent({ dataDir });
      const reports = async (): Promise<PluginReport[]> =>
        (await agent.plugins()).filter(({ id, code }) => id.startsWith("models/") && code !== "disabled");
      await until("the models", 30_000, async () => (await reports()).every(({ state }) => state === "ok"));
      await enough(agent);
      const startMs = performance.now();
      let answered = false;
      const answer = forecast(agent).finally(() => (answered = true));
      const said = new Map<string, string>();
      while (!answered) {
        for (const { id, code, reason } of await reports()) if (code !== null) said.set(id, `${code}: ${reason ?? ""}`);
        await sleep(50);
      }
      for (const { id, code, reason } of await reports()) if (code !== null) said.set(id, `${code}: ${reason ?? ""}`);
      const { series } = await answer;
      recordFigure("forecast after a crash, a hang and a lie", performance.now() - startMs, "ms");
      expect(series[0]).toMatchObject({ method: "d-flat", expected: Array.from({ length: 60 }, () => 5) });
      expect(said.get("models/a-exits")).toMatch(/^crashed: .*status 3/);
      expect(said.get("models/b-hangs")).toMatch(/^fault: fitting models\/b-hangs took longer than 3 s/);
      expect(said.get("models/c-nan")).toMatch(/^fault: .*low ≤ expected ≤ high/);
      expect(said.has("models/d-flat")).toBe(false);
      await agent.stop();
    }
    rmSync(join(dataDir, "config.json"));
    for (const name of ["a-exits", "b-hangs", "c-nan"])
      rmSync(join(dataDir, "plugins/models", name), { recursive: true, force: true });
    await using agent = await startAgent({ dataDir });
    await until("the model", 30_000, async () =>
      (await agent.plugins()).some(({ id, state }) => id === "models/d-flat" && state === "ok"),
    );
    const { series } = await forecast(agent);
    // What comes with the agent goes before what was installed.
    expect(series.map(({ method }) => method)).not.toContain("d-flat");
  });
});
