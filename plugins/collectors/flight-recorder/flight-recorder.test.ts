import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Batch, Collector, Finding, Manifest, QueryRow } from "all-use-agent/sdk";
import { TestContext } from "all-use-agent/sdk/testing";
import fc from "fast-check";
import { describe, expect, it, onTestFinished } from "vitest";
import { CHANNEL, CHANNELS } from "./channels.ts";
import plugin from "./index.ts";
import { OsSensor } from "./os-sensor.ts";
import { ProcSensor } from "./proc-sensor.ts";
import { Recorder } from "./recorder.ts";
import { Ring } from "./ring.ts";

const manifest = JSON.parse(readFileSync(new URL("./plugin.json", import.meta.url), "utf8")) as Manifest;
const defaults = Object.fromEntries(
  Object.entries(manifest.config!.properties as Record<string, { default: unknown }>).map(([key, value]) => [key, value.default]),
) as unknown as Parameters<typeof plugin>[1];
const STEP_MS = 200;
const BUSY = "alluse_recorder_cpu_busy_ratio";

/** A machine of plain files, and the recorder reading it five times a second of simulated time. */
class Machine {
  readonly root = mkdtempSync(join(tmpdir(), "flight-recorder-"));
  readonly ctx = new TestContext(manifest);
  readonly collector: Collector;
  readonly batches: { length: number; backdated: boolean | undefined }[] = [];
  private busy = 0;
  private idle = 0;
  private bytes = 0;

  constructor(config: Partial<typeof defaults> = {}) {
    this.write("sys/block/sda/size", "1");
    this.write("sys/block/loop0/size", "1");
    this.write("proc/meminfo", "MemTotal: 1000 kB\nMemFree: 1 kB\nMemAvailable:     400 kB\n");
    this.write("proc/loadavg", "0.50 1.25 2.00 3/100 1234\n");
    this.machine(0);
    const emit = this.ctx.emit.bind(this.ctx);
    this.ctx.emit = (batch: Batch) => {
      this.batches.push({ length: batch.length, backdated: batch.backdated });
      return emit(batch);
    };
    const paths = { proc_path: join(this.root, "proc"), sys_path: join(this.root, "sys") };
    this.collector = plugin(this.ctx, { ...defaults, interval_ms: STEP_MS, source: "proc", ...paths, ...config });
    onTestFinished(async () => {
      await this.collector.stop?.();
      await this.ctx.dispose();
      rmSync(this.root, { recursive: true, force: true });
    });
  }

  write(path: string, text: string): void {
    mkdirSync(dirname(join(this.root, path)), { recursive: true });
    writeFileSync(join(this.root, path), text);
  }

  /** Lets 20 ticks of one processor pass, so many of them busy. */
  machine(busyTicks: number): void {
    this.busy += busyTicks;
    this.idle += 20 - busyTicks;
    this.bytes += 1000;
    this.write("proc/stat", `cpu  ${this.busy} 0 0 ${this.idle} 0 0 0 0 0 0\ncpu0 1\n`);
    for (const resource of ["cpu", "memory", "io"])
      this.write(
        `proc/pressure/${resource}`,
        `some avg10=1.23 avg60=0.00 avg300=0.00 total=${this.busy * 1000}\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=${this.busy * 500}\n`,
      );
    const fields = (busyMs: number): string => `10 0 ${this.bytes} 5 10 0 ${this.bytes} 5 0 ${busyMs} 9 0 0 0 0`;
    this.write(
      "proc/diskstats",
      `   7       0 loop0 ${fields(9e9)}\n   8       0 sda ${fields(this.busy * 10)}\n   8       1 sda1 ${fields(1)}\n`,
    );
    this.write(
      "proc/net/dev",
      `Inter-|   Receive\n face |bytes\n    lo: 9${this.bytes} 1 0 0 0 0 0 0 9 1 0 0 0 0 0 0\n  eth0: ${this.bytes} 1 0 0 0 0 0 0 ${2 * this.bytes} 1 0 0 0 0 0 0\n`,
    );
  }

  async start(): Promise<this> {
    await this.collector.start!(this.ctx.signal);
    return this;
  }

  /** So many seconds with so much of the processor busy. */
  async run(seconds: number, share = 0.05): Promise<void> {
    for (let i = 0; i < seconds * 5; i++) {
      this.machine(Math.round(20 * share));
      await this.ctx.advance(STEP_MS);
      await this.collector.collect!(this.ctx.signal);
    }
  }

  /** Time and value of every sample of a metric, in the order in which they came. */
  samples(name = BUSY, labels: Record<string, string> = {}): [number, number][] {
    return this.ctx.emitted
      .filter((one) => one.name === name && Object.entries(labels).every(([key, value]) => one.labels[key] === value))
      .map((one) => [one.timestampMs, one.value]);
  }

  find(id: string, more: Partial<Finding> = {}): void {
    const startMs = this.ctx.clock.now();
    const finding = {
      id,
      kind: "anomaly",
      metric: "m",
      labels: {},
      startMs,
      endMs: null,
      score: 1,
      severity: "attention",
    } as const;
    this.ctx.deliver("finding", { ...finding, summary: `${id} is unusual.`, evidence: [], ...more });
  }

  async route(method: string, body = ""): Promise<{ status: number; body: Record<string, unknown> }> {
    const answer = await this.collector.handle!(
      {
        method,
        path: "/api/agent/recorder",
        query: new URLSearchParams(),
        header: () => undefined,
        body: () => Promise.resolve(new TextEncoder().encode(body)),
      },
      this.ctx.signal,
    );
    return { status: answer.status, body: JSON.parse(answer.body as string) as Record<string, unknown> };
  }

  async recordings(): Promise<Record<string, unknown>[]> {
    // What is written down is written in the background.
    await new Promise((resolve) => setImmediate(resolve));
    return (await this.route("GET")).body["recordings"] as Record<string, unknown>[];
  }
}

describe("a finding that opens", () => {
  it("brings out the minute before it and the minute after, at full resolution and at the times it was read", async () => {
    const machine = await new Machine().start();
    await machine.run(100);
    expect(machine.samples()).toEqual([]);
    await machine.run(2, 1);
    const atMs = machine.ctx.clock.now();
    machine.find("f1");
    await machine.run(100, 1);
    const samples = machine.samples();
    expect(samples.length).toBeGreaterThanOrEqual(599);
    expect(samples.length).toBeLessThanOrEqual(602);
    for (let i = 1; i < samples.length; i++) expect(samples[i][0] - samples[i - 1][0]).toBe(STEP_MS);
    expect(samples[0][0]).toBe(atMs - 60_000);
    expect(samples.at(-1)![0]).toBe(atMs + 60_000);
    expect(samples.filter(([timeMs]) => timeMs <= atMs - 2000).every(([, value]) => Math.abs(value - 0.05) < 1e-9)).toBe(true);
    expect(samples.filter(([timeMs]) => timeMs > atMs - 2000).every(([, value]) => value === 1)).toBe(true);
    expect(machine.batches.filter((one) => one.length > 10).every((one) => one.backdated === true)).toBe(true);
    expect(await machine.recordings()).toMatchObject([
      {
        state: "ended",
        startedMs: atMs,
        fromMs: atMs - 60_000,
        toMs: atMs + 60_000,
        readings: samples.length,
        reasons: [{ kind: "finding", id: "f1", text: "f1 is unusual." }],
      },
    ]);
  });

  it("brings out every quantity", async () => {
    const machine = await new Machine().start();
    await machine.run(5, 0.5);
    machine.find("f1");
    await machine.run(2, 0.5);
    expect(machine.samples().at(-1)![1]).toBe(0.5);
    const last = (name: string, labels = {}): number => machine.samples(name, labels).at(-1)![1];
    expect(last("alluse_recorder_runnable_threads")).toBe(3);
    expect(last("alluse_recorder_memory_available_bytes")).toBe(400 * 1024);
    expect(last("alluse_recorder_pressure_ratio", { resource: "io", share: "some" })).toBeCloseTo(10_000 / 200_000, 9);
    expect(last("alluse_recorder_pressure_ratio", { resource: "memory", share: "full" })).toBeCloseTo(5000 / 200_000, 9);
    expect(last("alluse_recorder_disk_busy_ratio")).toBeCloseTo(0.5, 9);
    expect(last("alluse_recorder_disk_bytes_per_second")).toBeCloseTo(2 * 1000 * 512 * 5, 6);
    expect(last("alluse_recorder_network_bytes_per_second", { direction: "received" })).toBeCloseTo(5000, 6);
    expect(last("alluse_recorder_network_bytes_per_second", { direction: "sent" })).toBeCloseTo(10_000, 6);
  });

  it("again makes the recording longer, not twice, and its updates and end do not", async () => {
    const machine = await new Machine().start();
    await machine.run(70);
    const atMs = machine.ctx.clock.now();
    machine.find("f1");
    await machine.run(40);
    machine.find("f1", { score: 0.5 });
    machine.find("f2", { endMs: atMs });
    machine.find("f3");
    await machine.run(10);
    machine.find("f1", { endMs: machine.ctx.clock.now() });
    await machine.run(80);
    const times = machine.samples().map(([timeMs]) => timeMs);
    expect(new Set(times).size).toBe(times.length);
    expect(times.at(-1)).toBe(atMs + 100_000);
    expect(await machine.recordings()).toMatchObject([{ reasons: [{ id: "f1" }, { id: "f3" }] }]);
    // The next one does not bring out again what is out.
    machine.find("f4");
    await machine.run(70);
    const all = machine.samples().map(([timeMs]) => timeMs);
    expect(new Set(all).size).toBe(all.length);
  });

  it("that is too slight or of another kind does nothing", async () => {
    const machine = await new Machine().start();
    await machine.run(5);
    machine.find("f1", { severity: "info" });
    machine.find("f2", { kind: "trend" });
    await machine.run(5);
    expect(machine.samples()).toEqual([]);
    machine.find("f1", { severity: "critical" });
    await machine.run(5);
    expect(machine.samples().length).toBeGreaterThan(0);
  });

  it("among a flood does not flood the store: recordings have a longest length and so many an hour", async () => {
    const machine = await new Machine({ longest_ms: 90_000, recordings_per_hour: 2, after_ms: 20_000, before_ms: 5000 }).start();
    await machine.run(10);
    for (let i = 0; i < 1500; i++) {
      machine.find(`f${i}`);
      await machine.run(0.2);
    }
    // 300 s of ceaseless findings: at most two recordings of 95 s.
    expect(machine.samples().length).toBeLessThanOrEqual(2 * 95 * 5 + 8);
    await machine.run(60);
    const last = machine.ctx.emitted.filter((one) => one.name === "alluse_recorder_refused_total").at(-1)!.value;
    expect(last).toBeGreaterThan(500);
    expect((await machine.recordings()).every((one) => (one["reasons"] as unknown[]).length <= 20)).toBe(true);
  });

  it("is answered with who ran before, soon after and at the end", async () => {
    const machine = await new Machine().start();
    const asked: number[] = [];
    const row = (name: string, labels: Record<string, string>, value: number): QueryRow => ({
      labels: { __name__: name, ...labels },
      value,
      timestampMs: 0,
    });
    machine.ctx.onQuery = (_expr, timeMs) => {
      asked.push(timeMs);
      return [
        row("alluse_top_cpu_ratio", { slot: "1" }, 0.1),
        row("alluse_top_pid", { ranking: "cpu", slot: "1" }, 5),
        row("alluse_top_info", { ranking: "cpu", slot: "1", program: "calm" }, 1),
        row("alluse_top_cpu_ratio", { slot: "2" }, 1.9),
        row("alluse_top_pid", { ranking: "cpu", slot: "2" }, 77),
        row("alluse_top_info", { ranking: "cpu", slot: "2", program: "hog" }, 1),
        row("alluse_top_memory_bytes", { slot: "1" }, 1e9),
        row("alluse_top_pid", { ranking: "memory", slot: "1" }, 77),
        row("alluse_top_info", { ranking: "memory", slot: "1", program: "hog" }, 1),
      ];
    };
    await machine.run(20);
    const atMs = machine.ctx.clock.now();
    machine.find("f1");
    await machine.run(70);
    expect(asked).toEqual([atMs - 15_000, atMs + 5000, atMs + 60_000]);
    const [recording] = await machine.recordings();
    expect(recording["processes"]).toHaveLength(3);
    expect((recording["processes"] as unknown[])[0]).toEqual({
      atMs: atMs - 15_000,
      processes: [
        { program: "hog", pid: 77, values: { cpu: 1.9, memory: 1e9 } },
        { program: "calm", pid: 5, values: { cpu: 0.1 } },
      ],
    });
  });
});

describe("time that is not even", () => {
  it("a sleep within the minute before cuts it: what was before the sleep does not belong to it", async () => {
    const machine = await new Machine().start();
    await machine.run(50);
    // The monotonic clock stands still while the machine sleeps.
    machine.ctx.clock.step(8 * 3_600_000);
    await machine.run(20);
    const atMs = machine.ctx.clock.now();
    machine.find("f1");
    await machine.run(1);
    expect(machine.samples()[0][0]).toBe(atMs - 20_000 + STEP_MS);
  });

  it("a monotonic clock that goes on while the machine sleeps gives no rate over the sleep", async () => {
    const machine = await new Machine().start();
    await machine.run(50);
    machine.ctx.clock.advance(8 * 3_600_000);
    await machine.run(20);
    const atMs = machine.ctx.clock.now();
    machine.find("f1");
    await machine.run(1);
    expect(machine.samples()[0][0]).toBe(atMs - 20_000 + 2 * STEP_MS);
  });

  it("a clock set back within the ring leaves no time twice", async () => {
    const machine = await new Machine().start();
    await machine.run(50);
    machine.ctx.clock.step(-10_000);
    await machine.run(30);
    machine.find("f1");
    await machine.run(70);
    const times = machine.samples().map(([timeMs]) => timeMs);
    for (let i = 1; i < times.length; i++) expect(times[i]).toBeGreaterThan(times[i - 1]);
    expect(times.length).toBeGreaterThan(500);
  });

  it("a clock set while a recording runs does not end it early or late", async () => {
    for (const step of [3_600_000, -3_600_000]) {
      const machine = await new Machine().start();
      await machine.run(70);
      machine.find("f1");
      await machine.run(30);
      machine.ctx.clock.step(step);
      await machine.run(60);
      // Set back, the clock comes by again at the times of what was not handed out yet: a second's worth at most.
      expect(machine.samples().length).toBeGreaterThanOrEqual(595);
      expect(machine.samples().length).toBeLessThanOrEqual(602);
    }
  });
});

describe("a threshold", () => {
  it("that is exceeded long enough sets off a recording, once", async () => {
    const machine = await new Machine({
      thresholds: [{ quantity: "cpu_busy_ratio", above: 0.9, for_ms: 3000 }],
    }).start();
    await machine.run(10);
    await machine.run(2, 1);
    await machine.run(10);
    expect(machine.samples()).toEqual([]);
    await machine.run(200, 1);
    expect(await machine.recordings()).toMatchObject([
      { reasons: [{ kind: "threshold", text: "cpu_busy_ratio above 0.9 for 3 s" }] },
    ]);
    await machine.run(5);
    await machine.run(5, 1);
    expect(await machine.recordings()).toHaveLength(2);
  });
});

describe("the route", () => {
  it("begins a recording, lengthens it, and lists", async () => {
    const machine = await new Machine().start();
    await machine.run(30);
    expect((await machine.route("GET")).body).toEqual({ recording: null, refused: 0, recordings: [] });
    const begun = await machine.route("POST", '{"reason": "stalls", "for_s": 5}');
    expect(begun).toMatchObject({
      status: 201,
      body: { outcome: "begun", recording: { reasons: [{ kind: "request", text: "stalls" }] } },
    });
    expect((await machine.route("POST")).status).toBe(200);
    await machine.run(61);
    expect((await machine.route("GET")).body["recording"]).toBeNull();
    expect(await machine.recordings()).toHaveLength(1);
  });

  it.each(["{", "[]", "1", '{"reason": 5}', '{"for_s": -1}', '{"for_s": "x"}'])("says what is wrong with %s", async (body) => {
    const machine = await new Machine().start();
    const answer = await machine.route("POST", body);
    expect(answer.status).toBe(400);
    expect(answer.body["error"]).toMatch(/must be/);
  });

  it("says that a recording which has its longest length cannot be made longer", async () => {
    const machine = await new Machine({ longest_ms: 10_000 }).start();
    await machine.run(5);
    expect((await machine.route("POST")).status).toBe(201);
    expect((await machine.route("POST")).status).toBe(429);
  });

  it("knows after a restart that a recording was cut short", async () => {
    const machine = await new Machine().start();
    await machine.run(5);
    await machine.route("POST");
    await machine.run(5);
    expect(await machine.recordings()).toMatchObject([{ state: "running" }]);
    await machine.collector.stop!();
    expect(await machine.recordings()).toMatchObject([{ state: "ended" }]);
  });
});

describe("the ring", () => {
  it("gives out each row once, in order, whatever is asked when", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom("row", "row", "row", "trigger", "take"), { maxLength: 400 }), (steps) => {
        const ring = new Ring(16, 1);
        const recorder = new Recorder(ring, { beforeMs: 1000, afterMs: 1000, longestMs: 3000, perHour: 60 });
        const given: number[] = [];
        let nowMs = 0;
        for (const step of steps) {
          if (step === "trigger") recorder.trigger({ kind: "finding", text: "", atMs: nowMs }, nowMs);
          else if (step === "row") ring.push((nowMs += 200), nowMs, Float64Array.of(nowMs));
          if (step !== "trigger") {
            const rows = recorder.take();
            for (let row = rows?.from ?? 0; row < (rows?.to ?? 0); row++) given.push(ring.value(row, 0));
            if (recorder.over(nowMs)) recorder.end();
          }
        }
        for (let i = 1; i < given.length; i++) expect(given[i]).toBeGreaterThan(given[i - 1]);
      }),
    );
  });
});

describe("the machine's files", () => {
  it.skipIf(process.platform !== "linux")("of this machine give every quantity a sensible value", () => {
    const sensor = new ProcSensor("/proc", "/sys");
    const row = new Float64Array(CHANNELS.length);
    sensor.read(row, 0);
    const untilMs = performance.now() + 250;
    while (performance.now() < untilMs);
    sensor.read(row, 250);
    sensor.dispose();
    expect(row[CHANNEL.cpu_busy_ratio]).toBeGreaterThan(0);
    for (const { key } of CHANNELS) {
      const value = row[CHANNEL[key]];
      if (!Number.isNaN(value)) expect(value, key).toBeGreaterThanOrEqual(0);
      if (key.endsWith("_ratio")) expect(Number.isNaN(value) || value <= 1, key).toBe(true);
    }
    expect(row[CHANNEL.memory_available_bytes]).toBeGreaterThan(1e7);
  });

  it("that are missing, empty or full of nonsense leave gaps and do no harm", () => {
    fc.assert(
      fc.property(
        fc.constantFrom("stat", "loadavg", "meminfo", "pressure/io", "diskstats", "net/dev"),
        fc.string({ maxLength: 200 }),
        (file, text) => {
          const root = mkdtempSync(join(tmpdir(), "flight-recorder-"));
          try {
            mkdirSync(dirname(join(root, file)), { recursive: true });
            mkdirSync(join(root, "block/sda"), { recursive: true });
            writeFileSync(join(root, file), text);
            const sensor = new ProcSensor(root, root);
            const row = new Float64Array(CHANNELS.length);
            for (let i = 0; i < 3; i++) sensor.read(row, 200);
            sensor.dispose();
          } finally {
            rmSync(root, { recursive: true });
          }
        },
      ),
      { numRuns: 100 },
    );
  });

  it("are not needed where there are none: processors and memory are known anyway", () => {
    const sensor = new OsSensor();
    const row = new Float64Array(CHANNELS.length);
    sensor.read(row);
    const untilMs = performance.now() + 250;
    while (performance.now() < untilMs);
    sensor.read(row);
    expect(row[CHANNEL.cpu_busy_ratio]).toBeGreaterThan(0);
    expect(row[CHANNEL.cpu_busy_ratio]).toBeLessThanOrEqual(1);
    expect(row[CHANNEL.memory_available_bytes]).toBeGreaterThan(0);
    expect(row[CHANNEL.disk_busy_ratio]).toBeNaN();
  });
});
