import { type Analytics, type Batch, createBatch, type Finding, type Manifest, type SeriesInfo } from "all-use-agent/sdk";
import { seededRandom, TestContext } from "all-use-agent/sdk/testing";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import factory from "./index.ts";
import manifest from "./plugin.json" with { type: "json" };
import { type Machine, machine, type MachineKind } from "./testdata/machine.ts";

const DAY_S = 86_400;
const START_MS = Date.UTC(2026, 0, 5);
const PANELS = manifest.config.properties.panels.default;

class Rig {
  readonly ctx: TestContext;
  readonly plugin: Analytics;
  private readonly batch: Batch = createBatch(2048);

  constructor(config: Record<string, unknown> = {}, startMs = START_MS, restore?: Uint8Array) {
    this.ctx = new TestContext(manifest as unknown as Manifest, { startMs });
    this.plugin = factory(this.ctx, { panels: PANELS, ...config } as never);
    if (restore) this.plugin.restore?.(restore);
    void this.plugin.start?.(this.ctx.signal);
  }

  panel(id: string, labels: Record<string, string> = {}): number {
    return this.series({
      name: "alluse_panel_value",
      labels: { panel: `collectors/host/${id}`, ...labels },
      type: "gauge",
      help: "x",
    });
  }

  series(info: SeriesInfo): number {
    return this.ctx.foreignSeries(info);
  }

  /** One batch with these series at the clock's time. */
  give(rows: [number, number][]): void {
    this.batch.length = rows.length;
    for (let i = 0; i < rows.length; i++) {
      this.batch.series[i] = rows[i][0];
      this.batch.timestamps[i] = this.ctx.clock.now();
      this.batch.values[i] = rows[i][1];
    }
    this.plugin.observe(this.batch);
  }

  /** The last word on each finding. */
  findings(least?: "attention"): Finding[] {
    const last = new Map(this.ctx.findings.map((finding) => [finding.id, finding]));
    return [...last.values()].filter((finding) => !least || finding.severity !== "info");
  }

  /** Newest emitted value of a metric for a panel. */
  newest(name: string, panel: string): number | undefined {
    return this.ctx.emitted.findLast((sample) => sample.name === name && sample.labels["panel"] === `collectors/host/${panel}`)
      ?.value;
  }

  async bytes(): Promise<Uint8Array> {
    return (await this.plugin.snapshot?.()) as Uint8Array;
  }
}

const MACHINE_PANELS = ["cpu", "memory", "disk-space", "network", "disks", "load", "pressure"];

class MachineRig extends Rig {
  readonly machine: Machine;
  private readonly ids: number[];

  constructor(kind: MachineKind, startMs = START_MS, restore?: Uint8Array) {
    super({}, startMs, restore);
    this.machine = machine(kind);
    this.ids = MACHINE_PANELS.map((id) => this.panel(id));
  }

  second(): void {
    this.ctx.clock.advance(1000);
    const values = this.machine.step(this.ctx.clock.now());
    this.give(MACHINE_PANELS.map((id, i) => [this.ids[i], values[id]]));
  }

  run(seconds: number, before?: (second: number) => void): void {
    for (let second = 0; second < seconds; second++) {
      before?.(second);
      this.second();
    }
  }

  /** Seconds until a finding of at least attention about this panel; Infinity when none within the time. */
  secondsUntil(panel: string, limit: number, before?: (second: number) => void): number {
    for (let second = 1; second <= limit; second++) {
      before?.(second);
      this.second();
      if (this.findings("attention").some((finding) => finding.labels["panel"] === `collectors/host/${panel}`)) return second;
    }
    return Infinity;
  }
}

function gauss(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

describe("a load put on a machine", () => {
  it.each([
    [50, 90],
    [97, 90],
    [50, 3600],
  ])("of %i percent of the CPU, begun %i s after the start, is reported within 20 s and ends when it ends", (cpu, after) => {
    const rig = new MachineRig({ seed: 11, jobsPerDay: 0, workDay: 0 });
    rig.run(after);
    expect(rig.findings("attention")).toEqual([]);
    rig.machine.extra.cpu = cpu;
    expect(rig.secondsUntil("cpu", 40)).toBeLessThanOrEqual(20);
    rig.run(10);
    rig.machine.extra.cpu = 0;
    rig.run(30);
    const found = rig.findings().filter((finding) => finding.labels["panel"] === "collectors/host/cpu");
    expect(found).toHaveLength(1);
    const [finding] = found;
    expect(finding.severity).toBe("attention");
    expect(finding.endMs).not.toBeNull();
    expect((finding.endMs as number) - finding.startMs).toBeLessThan(40_000);
    expect(finding.score).toBeGreaterThan(after < 1000 ? 0.95 : 0.99);
    expect(finding.summary).toMatch(/^CPU was at [\d.]+ % for \d+ s, usual is [\d.]+ to [\d.]+ %\.$/);
    const { numbers, expr } = finding.evidence[0];
    expect(expr).toBe('alluse_panel_value{panel="collectors/host/cpu"}');
    expect(numbers["peak_percent"]).toBeGreaterThan(cpu - 5);
    expect(numbers["usual_high_percent"]).toBeLessThan(40);
  });

  it("that fills memory or a disk is reported within 20 s of leaving the usual", () => {
    const rig = new MachineRig({ seed: 12, jobsPerDay: 0, workDay: 0 });
    rig.run(120);
    const memory = rig.secondsUntil("memory", 60, () => (rig.machine.extra.memory += 0.6));
    expect(memory).toBeLessThanOrEqual(30);
    const disk = rig.secondsUntil("disk-space", 60, () => (rig.machine.extra.filesystem += 1));
    expect(disk).toBeLessThanOrEqual(25);
  });

  it("in one second only is no finding", () => {
    const rig = new MachineRig({ seed: 13, jobsPerDay: 0, workDay: 0 });
    rig.run(600, (second) => (rig.machine.extra.cpu = second > 100 && second % 50 === 0 ? 90 : 0));
    expect(rig.findings()).toEqual([]);
  });

  it("again soon after is told as info, a third and fourth occasion on other days not at all", () => {
    const rig = new MachineRig({ seed: 14, jobsPerDay: 0, workDay: 0 });
    const severities: string[] = [];
    for (let round = 0; round < 5; round++) {
      rig.run(round === 1 ? 300 : 2 * 3600);
      const before = rig.findings().length;
      rig.machine.extra.cpu = 60;
      rig.run(40);
      rig.machine.extra.cpu = 0;
      rig.run(60);
      severities.push(
        rig.findings().filter((finding) => finding.labels["panel"] === "collectors/host/cpu")[before]?.severity ?? "none",
      );
    }
    expect(severities.slice(0, 2)).toEqual(["attention", "info"]);
    expect(severities.at(-1)).toBe("none");
  });

  it("that stays becomes the usual after a while, and the finding says so", () => {
    const rig = new MachineRig({ seed: 15, jobsPerDay: 0, workDay: 0 });
    rig.run(1800);
    rig.machine.extra.memory = 20;
    rig.run(3600);
    const finding = rig.findings("attention").find((found) => found.labels["panel"] === "collectors/host/memory") as Finding;
    expect(finding.endMs).not.toBeNull();
    expect(finding.summary).toContain("now counts as usual");
    expect((finding.endMs as number) - finding.startMs).toBeGreaterThan(240_000);
  });
});

describe("false alarms", () => {
  it.each([
    { seed: 1, jobsPerDay: 0, workDay: 0 },
    { seed: 2, jobsPerDay: 4, workDay: 0 },
    { seed: 4, jobsPerDay: 4, workDay: 40 },
  ])("on an ordinary machine (%j) are at most one a day", (kind) => {
    const days = 2;
    const rig = new MachineRig(kind);
    rig.run(days * DAY_S);
    const alarms = rig.findings("attention");
    // One event moves CPU, memory and pressure together: alarms that overlap are one.
    const events = alarms.filter(
      (a) => !alarms.some((b) => b !== a && b.startMs <= a.startMs && (b.endMs ?? Infinity) >= a.startMs - 60_000 && b.id < a.id),
    );
    expect(
      events
        .map((finding) => finding.summary)
        .join("\n")
        .split("\n").length - (events.length === 0 ? 1 : 0),
    ).toBeLessThanOrEqual(days);
    expect(rig.findings().length).toBeLessThanOrEqual(6 * days);
  });

  it("of single series stay within the day's allowance, however many there are", () => {
    const rig = new Rig({ raw_findings_per_day: 2 });
    const random = seededRandom(31);
    const ids = Array.from({ length: 300 }, (_, i) =>
      rig.series({ name: `node_thing_${i}`, labels: {}, type: i % 2 ? "gauge" : "counter", help: "x" }),
    );
    const totals = new Float64Array(ids.length);
    for (let second = 0; second < 3 * 3600; second++) {
      rig.ctx.clock.advance(1000);
      rig.give(
        ids.map((id, i) => {
          const rate =
            i % 7 === 0
              ? random() < 0.01
                ? 1000 * random()
                : 0
              : i % 7 === 1
                ? Math.exp(2 * gauss(random))
                : 10 + gauss(random);
          totals[i] += Math.max(0, rate);
          return [id, i % 2 ? rate : totals[i]];
        }),
      );
    }
    expect(rig.findings().length).toBeLessThanOrEqual(2);
  });
});

describe("the usual band", () => {
  it("is not shown while there is not enough data, and holds about 99 % of normal values afterwards", async () => {
    const rig = new Rig();
    const cpu = rig.panel("cpu");
    const random = seededRandom(41);
    let inside = 0;
    let total = 0;
    for (let second = 1; second <= 4 * 3600; second++) {
      await rig.ctx.advance(1000);
      const value = 30 + 4 * gauss(random);
      const low = rig.newest("alluse_usual_low", "cpu");
      if (second < 64) expect(low).toBeUndefined();
      if (second > 1200) {
        total++;
        if (value >= (low as number) && value <= (rig.newest("alluse_usual_high", "cpu") as number)) inside++;
      }
      rig.give([[cpu, value]]);
      if (second % 600 === 0) rig.ctx.emitted.splice(0, rig.ctx.emitted.length - 20);
    }
    expect(inside / total).toBeGreaterThan(0.982);
    expect(inside / total).toBeLessThan(0.998);
    const width = (rig.newest("alluse_usual_high", "cpu") as number) - (rig.newest("alluse_usual_low", "cpu") as number);
    expect(width).toBeLessThan(1.35 * 2 * 2.576 * 4);
    expect(rig.findings()).toEqual([]);
  });

  it("of what stands still has a width, so that the last digit is not unusual", async () => {
    const rig = new Rig();
    const memory = rig.panel("memory");
    for (let second = 0; second < 600; second++) {
      await rig.ctx.advance(1000);
      rig.give([[memory, 40]]);
    }
    expect(rig.newest("alluse_usual_low", "memory")).toBeLessThan(39.8);
    expect(rig.newest("alluse_usual_high", "memory")).toBeGreaterThan(40.2);
  });

  it("stays within what the quantity can be", async () => {
    const rig = new Rig();
    const memory = rig.panel("memory");
    const random = seededRandom(42);
    for (let second = 0; second < 600; second++) {
      await rig.ctx.advance(1000);
      rig.give([[memory, second % 2 ? Math.min(100, 99.5 + random()) : 0.2 * random()]]);
    }
    expect(rig.newest("alluse_usual_low", "memory")).toBeGreaterThanOrEqual(0);
    expect(rig.newest("alluse_usual_high", "memory")).toBeLessThanOrEqual(100);
  });

  it("knows the time of day after some days: narrow at night although days are busy", async () => {
    const rig = new Rig();
    const cpu = rig.panel("cpu");
    const random = seededRandom(43);
    const widths = { night: NaN, day: NaN };
    // One sample in ten seconds keeps the test short; the season learns from what there is.
    for (let step = 0; step < 6 * 8640; step++) {
      rig.ctx.clock.advance(10_000);
      const hour = (rig.ctx.clock.now() % 86_400_000) / 3_600_000;
      const day = hour > 8 && hour < 18;
      rig.give([[cpu, day ? 50 + 6 * gauss(random) : 4 + 0.5 * gauss(random)]]);
      if (step === 5 * 8640 + 3 * 360 || step === 5 * 8640 + 13 * 360) {
        await rig.ctx.advance(10_000);
        const width = (rig.newest("alluse_usual_high", "cpu") as number) - (rig.newest("alluse_usual_low", "cpu") as number);
        if (day) widths.day = width;
        else widths.night = width;
      }
    }
    expect(widths.night).toBeLessThan(8);
    expect(widths.day).toBeGreaterThan(20);
    expect(widths.day).toBeLessThan(60);
  });
});

/** Scores of every sample of one panel series, as the plugin reports the largest of each ten seconds. */
async function scoresOf(count: number, value: (i: number) => number): Promise<{ scores: number[]; findings: Finding[] }> {
  const rig = new Rig();
  const id = rig.panel("unknown");
  const scores: number[] = [];
  for (let i = 0; i < count; i++) {
    await rig.ctx.advance(10_000);
    const score = rig.newest("alluse_anomaly_score", "unknown");
    if (score !== undefined) scores.push(score);
    rig.ctx.emitted.length = 0;
    rig.give([[id, value(i)]]);
  }
  return { scores, findings: rig.findings() };
}

describe("scores", () => {
  const random = seededRandom(51);
  let walk = 0;
  const shapes: Record<string, (i: number) => number> = {
    noise: () => gauss(random),
    "heavy tails": () => Math.exp(1.5 * gauss(random)),
    sparse: () => (random() < 0.02 ? 100 * random() : 0),
    bursty: (i) => (i % 200 < 12 ? 80 + 5 * gauss(random) : 3 + gauss(random)),
    bimodal: (i) => (Math.floor(i / 40) % 2 ? 10 : 90) + gauss(random),
    walk: () => (walk += gauss(random)),
    steps: () => Math.round(5 + gauss(random)),
  };

  it.each(Object.keys(shapes))("of %s are calibrated: 1 − p is exceeded with probability about p", async (name) => {
    const { scores } = await scoresOf(20_000, shapes[name]);
    const late = scores.slice(2000);
    for (const p of [0.1, 0.01, 0.001]) {
      const share = late.filter((score) => score >= 1 - p).length / late.length;
      expect(share, `p ${p}`).toBeLessThan(Math.max(1.6 * p, 8 / late.length));
      if (name === "noise" || name === "heavy tails" || name === "bursty") expect(share, `p ${p}`).toBeGreaterThan(p / 3);
    }
  });

  it("of what never changes, always rises or jumps for good do not stay high", async () => {
    const flat = await scoresOf(3000, () => 7);
    expect(Math.max(...flat.scores)).toBeLessThan(0.5);
    expect(flat.findings).toEqual([]);
    const rising = await scoresOf(6000, (i) => 1000 + i);
    expect(rising.scores.slice(3000).filter((score) => score > 0.99).length).toBeLessThan(60);
    const jump = await scoresOf(6000, (i) => (i < 1000 ? 5 : 500));
    expect(jump.scores.slice(3000).filter((score) => score > 0.9).length).toBeLessThan(50);
  });

  it("are not given before 64 samples", async () => {
    expect((await scoresOf(64, () => gauss(random))).scores).toEqual([]);
    expect((await scoresOf(70, () => gauss(random))).scores.length).toBeGreaterThan(3);
  });
});

describe("gaps, resets and bad values", () => {
  it("a gap ends what was open and mutes what catches up afterwards", () => {
    const rig = new MachineRig({ seed: 61, jobsPerDay: 0, workDay: 0 });
    rig.run(600);
    rig.machine.extra.cpu = 80;
    rig.run(25);
    const fromMs = rig.ctx.clock.now();
    rig.ctx.clock.advance(3_600_000);
    rig.ctx.deliver("gap", { fromMs, toMs: rig.ctx.clock.now(), reason: "sleep" });
    const [open] = rig.findings("attention");
    expect(open.endMs).toBeLessThanOrEqual(fromMs);
    rig.run(25);
    rig.machine.extra.cpu = 0;
    rig.run(600);
    expect(rig.findings().every((finding) => finding.endMs !== null && finding.startMs < fromMs)).toBe(true);
  });

  it("a counter's restart, a repeated sample, NaN and a clock set back change nothing", () => {
    const rig = new Rig({ raw_findings_per_day: 100 });
    const id = rig.series({ name: "node_ops_total", labels: {}, type: "counter", help: "x" });
    const random = seededRandom(62);
    let total = 1e9;
    for (let second = 0; second < 8000; second++) {
      rig.ctx.clock.advance(second === 6000 ? -7_200_000 : 1000);
      total += 100 + 5 * gauss(random);
      if (second % 500 === 499) total = 0;
      rig.give([
        [id, total],
        [id, total],
        [id, second % 3 ? NaN : Infinity],
      ]);
    }
    expect(rig.findings()).toEqual([]);
  });

  it("a series that falls silent has its finding ended", async () => {
    const rig = new MachineRig({ seed: 63, jobsPerDay: 0, workDay: 0 });
    rig.run(300);
    rig.machine.extra.cpu = 80;
    rig.run(20);
    expect(rig.findings("attention")[0].endMs).toBeNull();
    await rig.ctx.advance(60_000);
    expect(rig.findings("attention")[0].endMs).not.toBeNull();
  });

  it("a long single series outside is told with its usual band, and its end", () => {
    const rig = new Rig();
    const id = rig.series({ name: "node_context_switches_total", labels: {}, type: "counter", help: "x" });
    const random = seededRandom(64);
    let total = 0;
    for (let second = 0; second < 30_000; second++) {
      rig.ctx.clock.advance(1000);
      total += Math.max(0, (second >= 20_000 && second < 20_100 ? 90_000 : 3000) + 200 * gauss(random));
      rig.give([[id, total]]);
    }
    const [finding, ...others] = rig.findings();
    expect(others).toEqual([]);
    expect(finding.summary).toMatch(
      /^node_context_switches_total was at 9\d(\.\d)? thousand\/s for \d+ s, usual is [\d.]+ to [\d.]+ thousand\/s\.$/,
    );
    expect(finding.severity).toBe("info");
    expect(finding.endMs).not.toBeNull();
  });
});

describe("a restart", () => {
  it("keeps what was learnt by name, whatever the numbers of the series are now", async () => {
    const before = new MachineRig({ seed: 71, jobsPerDay: 0, workDay: 0 });
    before.run(3600);
    before.machine.extra.cpu = 60;
    before.run(60);
    before.machine.extra.cpu = 0;
    before.run(600);
    const bytes = await before.bytes();

    const after = new Rig({}, before.ctx.clock.now() + 20_000, bytes);
    for (let i = 0; i < 5; i++) after.series({ name: `other_${i}`, labels: {}, type: "gauge", help: "x" });
    const cpu = after.panel("cpu");
    for (let second = 0; second < 30; second++) {
      await after.ctx.advance(1000);
      after.give([[cpu, 3]]);
    }
    // The band is there at once: the warm-up is not repeated.
    expect(after.newest("alluse_usual_high", "cpu")).toBeLessThan(60);
    for (let second = 0; second < 40; second++) {
      after.ctx.clock.advance(1000);
      after.give([[cpu, 62]]);
    }
    const [again] = after.findings();
    expect(again.severity).toBe("info");
    expect(again.summary).toContain("as on 1 earlier occasion");
  });

  it("with a snapshot that is damaged or of another version begins anew, saying why", async () => {
    const rig = new MachineRig({ seed: 72, jobsPerDay: 0, workDay: 0 });
    rig.run(100);
    const bytes = await rig.bytes();
    const fresh = (): Analytics => new Rig().plugin;
    expect(() => fresh().restore?.(bytes.slice(0, 100))).toThrow(/length|bytes/);
    expect(() => fresh().restore?.(new Uint8Array(0))).toThrow(/bytes/);
    const version = bytes.slice();
    version[4] = 99;
    expect(() => fresh().restore?.(version)).toThrow(/version/);
    const numbers = bytes.slice();
    numbers.fill(255, numbers.length - 400);
    expect(() => fresh().restore?.(numbers)).toThrow(/numbers/);
  });

  it("gives an equal snapshot back, and its size is bounded by the series watched", async () => {
    const rig = new MachineRig({ seed: 73, jobsPerDay: 0, workDay: 0 });
    rig.run(200);
    const bytes = await rig.bytes();
    const again = new Rig({}, rig.ctx.clock.now(), bytes);
    expect((await again.bytes()).length).toBe(bytes.length);
    expect(bytes.length).toBeLessThan(7 * 3500 + 1000);
  });
});

it("more series than allowed are left alone and counted; those long silent make room", async () => {
  const rig = new Rig({ max_series: 20 });
  const ids = Array.from({ length: 30 }, (_, i) => rig.series({ name: `node_x_${i}`, labels: {}, type: "gauge", help: "x" }));
  rig.give(ids.map((id) => [id, 1]));
  await rig.ctx.advance(10_000);
  const states = (): Record<string, number> =>
    Object.fromEntries(
      rig.ctx.emitted.filter((s) => s.name === "alluse_anomaly_series").map((s) => [s.labels["state"], s.value]),
    );
  expect(states()).toEqual({ learning: 20, ready: 0, unwatched: 10 });
  await rig.ctx.advance(7 * 3_600_000);
  const late = rig.series({ name: "node_late", labels: {}, type: "gauge", help: "x" });
  rig.give([[late, 1]]);
  await rig.ctx.advance(10_000);
  expect(states()).toEqual({ learning: 1, ready: 0, unwatched: 10 });
});

const NAB = join(import.meta.dirname, "../../../../shared/data/anomaly/nab-artificial/data");

/** Findings on one made-up series of the Numenta benchmark, rows five minutes apart as they are. */
function findingsOn(file: string): Finding[] {
  const rig = new Rig();
  const id = rig.panel("unknown");
  for (const line of readFileSync(join(NAB, file), "utf8").trim().split("\n").slice(1)) {
    rig.ctx.clock.advance(300_000);
    rig.give([[id, Number(line.split(",")[1])]]);
  }
  return rig.findings("attention");
}

it.skipIf(!existsSync(NAB))("made-up series without anomaly give no alarm (needs ../shared/data)", () => {
  const folder = "artificialNoAnomaly";
  for (const file of readdirSync(join(NAB, folder))) expect(findingsOn(join(folder, file)), file).toEqual([]);
});
