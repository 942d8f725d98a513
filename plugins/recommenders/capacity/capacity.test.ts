import type { AdviceView, Finding, Labels, Recommendation, Recommender } from "all-use-agent/sdk";
import { seededRandom, TestContext } from "all-use-agent/sdk/testing";
import { spawn } from "node:child_process";
import { setPriority } from "node:os";
import { assert, describe, expect, it } from "vitest";
import factory from "./index.ts";
import manifest from "./plugin.json" with { type: "json" };
import { busiest } from "./processes.ts";
import { sayWhen } from "./words.ts";

const START_MS = Date.UTC(2026, 0, 5, 9);
const GB = 1e9;

interface Row {
  name: string;
  labels: Labels;
  value(seconds: number): number;
}

/** A machine whose metrics are functions of time, asked as the desk would be: names select, `rate` of idle answers utilisation. */
class Desk {
  readonly ctx = new TestContext(manifest, { startMs: START_MS });
  readonly rows: Row[] = [];
  findings: Finding[] = [];
  utilisation: (seconds: number) => number = () => 5;
  seconds = 0;
  beganAt = -86_400;
  fails = false;
  /** The model's answer; none by default. */
  forecast:
    | ((values: Float64Array, stepMs: number, count: number, level: number) => Awaited<ReturnType<AdviceView["forecast"]>>)
    | undefined;
  private readonly plugin: Recommender;

  constructor(config: Record<string, unknown> = {}) {
    this.plugin = factory(this.ctx, { processes: false, ...config });
  }

  disk(
    mountpoint: string,
    size: number,
    available: (seconds: number) => number,
    extra: { readonly?: boolean; device?: string } = {},
  ): void {
    const labels = { mountpoint, device: extra.device ?? "tmpfs", fstype: "tmpfs" };
    this.rows.push({ name: "node_filesystem_avail_bytes", labels, value: available });
    this.rows.push({ name: "node_filesystem_size_bytes", labels, value: () => size });
    this.rows.push({ name: "node_filesystem_readonly", labels, value: () => (extra.readonly ? 1 : 0) });
  }

  memory(total: number, available: (seconds: number) => number): void {
    this.rows.push({ name: "node_memory_MemTotal_bytes", labels: {}, value: () => total });
    this.rows.push({ name: "node_memory_MemAvailable_bytes", labels: {}, value: available });
  }

  /** Calls the recommender every five seconds until `untilS`; the last answer. */
  async until(untilS: number, visit?: (advice: Recommendation[], seconds: number) => void): Promise<Recommendation[]> {
    let advice: Recommendation[] = [];
    while (this.seconds < untilS) {
      this.seconds += 5;
      this.ctx.clock.advance(5000);
      advice = await this.plugin.advise(this.view(), this.ctx.signal);
      visit?.(advice, this.seconds);
    }
    return advice;
  }

  private view(): AdviceView {
    const nowS = this.seconds;
    return {
      nowMs: START_MS + nowS * 1000,
      findings: this.findings,
      query: (expr) => {
        if (this.fails) return Promise.reject(new Error("no storage"));
        if (expr.includes("node_cpu_seconds_total"))
          return Promise.resolve([{ labels: {}, value: this.utilisation(nowS), timestampMs: 0 }]);
        const [name, wanted] = expr.split(" == ");
        const rows = this.rows
          .filter((row) => row.name === name)
          .map((row) => ({ labels: row.labels, value: row.value(nowS), timestampMs: 0 }));
        return Promise.resolve(rows.filter((row) => wanted === undefined || row.value === Number(wanted)));
      },
      queryRange: (expr, fromMs, toMs, stepMs) =>
        Promise.resolve(
          this.rows
            .filter((row) => row.name === expr)
            .map((row) => {
              const times: number[] = [];
              for (let t = fromMs; t <= toMs; t += stepMs) if ((t - START_MS) / 1000 >= this.beganAt) times.push(t);
              return {
                ...row,
                timestamps: Float64Array.from(times),
                values: Float64Array.from(times, (t) => row.value((t - START_MS) / 1000)),
              };
            }),
        ),
      forecast: (data, stepMs, count, level) => Promise.resolve(this.forecast?.(data.values, stepMs, count, level) ?? null),
    };
  }
}

/** A model that goes on from the newest value at a given rate, within a share of it. */
function straight(perSecond: number, share: number): Desk["forecast"] {
  return (values, stepMs, count, level) => {
    const last = values[values.length - 1];
    const at = (rate: number): Float64Array =>
      Float64Array.from({ length: count }, (_, i) => Math.max(0, last + (rate * (i + 1) * stepMs) / 1000));
    const forecast = {
      timestampsMs: new Float64Array(count),
      expected: at(perSecond),
      low: at(perSecond * (1 + share)),
      high: at(perSecond * (1 - share)),
      level,
      method: "drift over 30 s",
    };
    return { forecast, card: { model: "m", trainedMs: 0, fromMs: 0, toMs: 0, samples: 30, parameters: {}, metrics: {} } };
  };
}

function finding(panel: string, severity: Finding["severity"], labels: Labels = {}): Finding {
  return {
    id: panel,
    kind: "anomaly",
    metric: "alluse_panel_value",
    labels: { panel: `collectors/host/${panel}`, ...labels },
    startMs: START_MS,
    endMs: null,
    score: 0.999,
    severity,
    summary: `${panel} is at 99 %, usual is 3 to 8 %.`,
    evidence: [],
  };
}

describe("a disk", () => {
  it("filling at some MB/s is told within 25 s, with the time left and figures that check out, and is told on when it stays full", async () => {
    const desk = new Desk();
    const available = (s: number): number => Math.max(0, 512e6 - 4e6 * Math.max(0, s - 100));
    desk.disk("/data", 512e6, available);
    expect(await desk.until(100)).toEqual([]);
    let toldAt = Infinity;
    await desk.until(125, (advice, seconds) => {
      if (advice.length > 0 && toldAt === Infinity) toldAt = seconds;
    });
    expect(toldAt).toBeLessThanOrEqual(125);
    const [advice] = await desk.until(150);
    expect(advice.key).toBe("disk:/data:space");
    expect(advice.severity).toBe("critical");
    expect(advice.title).toMatch(/^Disk \/data will be full in about (70|80|90) seconds$/);
    expect(advice.action.kind).toBe("free_disk_space");
    const { numbers, expr } = advice.evidence[0];
    expect(expr).toBe('node_filesystem_avail_bytes{device="tmpfs",fstype="tmpfs",mountpoint="/data"}');
    expect(numbers["available_bytes"]).toBe(available(150));
    expect(numbers["size_bytes"]).toBe(512e6);
    expect(numbers["slope_bytes_per_second"]).toBeCloseTo(-4e6, -3);
    expect(numbers["time_to_full_seconds"]).toBeCloseTo(available(150) / 4e6, 1);
    expect(advice.effect?.expected).toBeCloseTo(51.2e6 / 4e6, 1);

    const [full] = await desk.until(300);
    expect(full.title).toBe("Disk /data is 100 % full");
    expect(full.severity).toBe("critical");
    expect(full.action.text).toContain("102 MB must go");
  });

  it("is told with the interval of the forecast, more surely when that is narrow, and not at all when it sees no end", async () => {
    const told = async (forecast: Desk["forecast"]): Promise<Recommendation | undefined> => {
      const desk = new Desk();
      desk.forecast = forecast;
      desk.disk("/data", 512e6, (s) => Math.max(0, 512e6 - 2e6 * s));
      return (await desk.until(100))[0];
    };
    const sure = await told(straight(-2e6, 0.1));
    const unsure = await told(straight(-2e6, 0.6));
    expect(sure?.evidence[0].numbers["earliest_seconds"]).toBeGreaterThan(135);
    expect(sure?.evidence[0].numbers["latest_seconds"]).toBeLessThan(185);
    expect(sure?.reason).toMatch(/they last \d+ minutes \(90 %: \d+ minutes to \d+ minutes\)/);
    expect(sure?.evidence[0].method).toContain("drift over 30 s");
    expect(sure?.confidence).toBeGreaterThan(0.85);
    expect(unsure?.confidence).toBeLessThan(sure?.confidence as number);
    expect(await told(straight(0, 0))).toBeUndefined();
  });

  it("with ordinary traffic, one large file or a copy that ends gives no advice", async () => {
    const desk = new Desk();
    const random = seededRandom(5);
    desk.disk("/", 100 * GB, () => 60 * GB - 50e6 * random());
    desk.disk("/logs", 10 * GB, (s) => 6 * GB - 20_000 * (s % 3600));
    desk.disk("/copy", 500 * GB, (s) => 300 * GB - Math.min(20 * GB, Math.max(0, s - 200) * 200e6));
    desk.disk("/one", 1 * GB, (s) => (s < 100 ? 0.8 * GB : 0.5 * GB));
    desk.disk("/snap", 1 * GB, () => 0, { readonly: true });
    await desk.until(900, (advice) => expect(advice).toEqual([]));
  });

  it("growing slowly is told for tomorrow from an hour's window, and vanishes when the growth stops", async () => {
    const desk = new Desk();
    desk.beganAt = -3600;
    desk.disk("/data", 100 * GB, (s) => 40 * GB - 700_000 * Math.min(s, 600));
    const [advice] = await desk.until(600);
    expect(advice.title).toMatch(/^Disk \/data will be full (today|tomorrow) around \d\d:00$/);
    expect(advice.severity).toBe("attention");
    expect(advice.expiresMs).toBe(START_MS + 600_000 + 30_000);
    expect(await desk.until(4200)).toEqual([]);
  });

  it("that is full stays told until it is clearly less so, and a large one with much room is not full", async () => {
    const desk = new Desk();
    desk.disk("/a", 10 * GB, (s) => (s < 50 ? 0.5 : s < 100 ? 1.1 : 1.5) * GB);
    desk.disk("/large", 10_000 * GB, () => 600 * GB);
    expect((await desk.until(45)).map((one) => [one.title, one.severity])).toEqual([["Disk /a is 95 % full", "attention"]]);
    expect((await desk.until(95)).map((one) => one.title)).toEqual(["Disk /a is 89 % full"]);
    expect(await desk.until(130)).toEqual([]);
  });

  it("mounted twice is told once", async () => {
    const desk = new Desk();
    desk.disk("/", 10 * GB, () => 0.1 * GB, { device: "/dev/sda1" });
    desk.disk("/var/lib/bound", 10 * GB, () => 0.1 * GB, { device: "/dev/sda1" });
    expect((await desk.until(10)).map((one) => one.key)).toEqual(["disk:/:space"]);
  });
});

describe("memory", () => {
  it("that runs out is told in time, that is low too, that is plenty not", async () => {
    const desk = new Desk();
    desk.memory(16 * GB, (s) => Math.max(0.2 * GB, 12 * GB - 0.1 * GB * Math.max(0, s - 60)));
    expect(await desk.until(60)).toEqual([]);
    const [soon] = await desk.until(100);
    expect(soon.key).toBe("memory:available");
    expect(soon.title).toMatch(/^Memory will run out in about \d+ seconds$/);
    expect(soon.evidence[0].numbers["slope_bytes_per_second"]).toBeCloseTo(-0.1 * GB, -6);
    const [low] = await desk.until(300);
    expect(low.title).toBe("Only 1.3 % of memory is available");
    expect(low.severity).toBe("critical");
    expect(low.reason).toContain("There is no swap.");
  });
});

describe("processors", () => {
  it("busy for half a minute are told, and not flickering around the limit", async () => {
    const desk = new Desk();
    desk.utilisation = (s) => (s <= 50 ? 20 : s <= 200 ? 88 + 5 * ((s / 5) % 2) : 10);
    expect(await desk.until(50)).toEqual([]);
    await desk.until(55);
    await desk.until(200, (advice) => expect(advice.map((one) => one.key)).toEqual(["cpu:utilisation"]));
    expect(await desk.until(230)).toEqual([]);
  });

  it("unusually busy by a finding are told with its severity and evidence", async () => {
    const desk = new Desk();
    desk.utilisation = () => 52;
    desk.findings = [finding("cpu", "info")];
    const [advice] = await desk.until(5);
    expect(advice).toMatchObject({ key: "cpu:utilisation", severity: "info", title: "The processors are at 52 %" });
    expect(advice.evidence[0].numbers).toEqual({ mean_percent: 52, newest_percent: 52, limit_percent: 90 });
    desk.findings = [{ ...finding("cpu", "attention"), endMs: START_MS }];
    expect(await desk.until(30)).toEqual([]);
  });

  it("are not called busier than usual once they are back within it, though the finding has not ended yet", async () => {
    const desk = new Desk();
    desk.utilisation = () => 3;
    const open = finding("cpu", "attention");
    desk.findings = [{ ...open, evidence: [{ ...open.evidence[0], numbers: { usual_high_percent: 7.6 } }] }];
    expect(await desk.until(5)).toEqual([]);
  });

  it.skipIf(process.platform !== "linux")("name the process that keeps them busy (needs Linux)", async ({ skip }) => {
    const child = spawn(process.execPath, ["-e", "const end = Date.now() + 600_000; while (Date.now() < end);"]);
    try {
      // Where the machine is busy with other things, the child should still get its share.
      if (process.getuid?.() === 0) setPriority(child.pid!, -15);
      const signal = new AbortController().signal;
      const pid = String(child.pid);
      // The machine may be busy with other things: among some looks there is one in which the child gets its share.
      let own: Awaited<ReturnType<typeof busiest>>[number] | undefined;
      for (let look = 0; look < 40 && !(own && own.cpuPercent > 20); look++)
        own = (await busiest(signal)).find((one) => one.pid === child.pid);
      expect(own?.cpuPercent).toBeGreaterThan(0);
      skip((own?.cpuPercent ?? 0) <= 20, "the machine has less than a fifth of a processor to spare");
      expect(own?.residentBytes).toBeGreaterThan(20e6);
      expect(own?.name).toBe("node");
      let advice: Recommendation | undefined;
      for (let look = 0, found = false; look < 40 && !found; look++) {
        const desk = new Desk({ processes: true });
        desk.utilisation = () => 97;
        [advice] = await desk.until(5);
        found = advice.reason.includes(`(pid ${pid})`);
      }
      assert(advice);
      expect(advice.reason).toContain(`(pid ${pid})`);
      expect(advice.reason).not.toContain("while (Date.now()");
      expect(Object.keys(advice.evidence[1].numbers).some((key) => key.includes(`_pid_${pid}_percent`))).toBe(true);
    } finally {
      child.kill("SIGKILL");
    }
  });

  it("are still told where /proc cannot be read", async () => {
    expect(await busiest(new AbortController().signal, "/nowhere")).toEqual([]);
  });
});

describe("other findings", () => {
  it("give one modest proposal, for the most urgent, if nothing else speaks of it", async () => {
    const desk = new Desk();
    desk.findings = [
      finding("network", "attention", { direction: "sent" }),
      finding("disks", "critical", { device: "sda" }),
      finding("load", "info"),
    ];
    const advice = await desk.until(5);
    expect(advice).toHaveLength(1);
    expect(advice[0]).toMatchObject({
      key: "unusual:collectors/host/disks:sda",
      severity: "attention",
      action: { kind: "look_at_panel" },
    });
    expect(advice[0].confidence).toBeLessThanOrEqual(0.6);
  });

  it("about what is already told give nothing more", async () => {
    const desk = new Desk();
    desk.disk("/a", 10 * GB, () => 0.1 * GB);
    desk.findings = [
      finding("disk-space", "critical", { mountpoint: "/a" }),
      finding("cpu", "attention"),
      finding("load", "attention"),
    ];
    expect((await desk.until(5)).map((one) => one.key).sort()).toEqual(["cpu:utilisation", "disk:/a:space"]);
  });
});

it("queries that fail make it degraded, not silent about its state, and it recovers", async () => {
  const desk = new Desk();
  desk.fails = true;
  expect(await desk.until(10)).toEqual([]);
  expect(desk.ctx.states.at(-1)).toMatchObject({ state: "degraded" });
  desk.fails = false;
  await desk.until(20);
  expect(desk.ctx.states.at(-1)).toMatchObject({ state: "ok" });
});

it("times are said as a person would", () => {
  const noon = new Date(2026, 0, 5, 12, 10).getTime();
  expect(sayWhen(noon, 42)).toBe("in about 40 seconds");
  expect(sayWhen(noon, 600)).toBe("in about 10 minutes");
  expect(sayWhen(noon, 3 * 3600)).toBe("today around 15:00");
  expect(sayWhen(noon, 16 * 3600)).toBe("tomorrow around 04:00");
  expect(sayWhen(noon, 3 * 86_400)).toBe("on Thursday around 12:00");
  expect(sayWhen(noon, 20 * 86_400)).toBe("in about 20 days");
});
