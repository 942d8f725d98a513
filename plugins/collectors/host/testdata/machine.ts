/** For tests: a machine of plain files in a temporary folder, and the collector reading it. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type Collector, type Labels, type Manifest, seriesKey } from "all-use-agent/sdk";
import { type EmittedSample, TestContext } from "all-use-agent/sdk/testing";
import { onTestFinished } from "vitest";
import type { HostConfig } from "../group.ts";
import plugin from "../index.ts";

const manifest = JSON.parse(readFileSync(new URL("../plugin.json", import.meta.url), "utf8")) as Manifest;
const properties = manifest.config!.properties as Record<string, { default: unknown }>;
const defaults = Object.fromEntries(Object.entries(properties).map(([key, value]) => [key, value.default]));

/** A machine as small as it may be: what is not optional. */
const SMALLEST: Readonly<Record<string, string>> = {
  "proc/stat":
    "cpu  30 0 30 300 0 0 0 0 0 0\ncpu0 30 0 30 300 0 0 0 0 0 0\nintr 9 1 2\nctxt 7\nbtime 1700000000\nprocesses 5\nprocs_running 1\nprocs_blocked 0\n",
  "proc/loadavg": "0.50 1.25 2.00 1/100 1234\n",
  "proc/meminfo": "MemTotal:        1000 kB\nMemAvailable:     400 kB\n",
  "proc/self/mounts": "",
  "proc/sys/kernel/random/entropy_avail": "256\n",
  "proc/sys/kernel/random/poolsize": "256\n",
};

export class Machine {
  readonly root = mkdtempSync(join(tmpdir(), "host-collector-"));
  readonly ctx = new TestContext(manifest);
  readonly collector: Collector;

  constructor(files: Record<string, string> = {}, config: Partial<HostConfig> | ((root: string) => Partial<HostConfig>) = {}) {
    for (const [path, text] of Object.entries({ ...SMALLEST, ...files })) this.write(path, text);
    this.collector = plugin(this.ctx, {
      ...(defaults as unknown as HostConfig),
      source: "proc",
      proc_path: join(this.root, "proc"),
      sys_path: join(this.root, "sys"),
      rootfs_path: this.root,
      // Every tick a slow one, every sixth a rare one.
      slow_interval_ms: 1000,
      ...(typeof config === "function" ? config(this.root) : config),
    });
    onTestFinished(async () => {
      await this.ctx.dispose();
      rmSync(this.root, { recursive: true, force: true });
    });
  }

  write(path: string, text: string): void {
    const full = join(this.root, path);
    mkdirSync(dirname(full), { recursive: true });
    writeFileSync(full, text);
  }

  link(path: string, target: string): void {
    const full = join(this.root, path);
    mkdirSync(dirname(full), { recursive: true });
    symlinkSync(target, full);
  }

  remove(path: string): void {
    rmSync(join(this.root, path), { recursive: true });
  }

  async start(): Promise<this> {
    await this.collector.start?.(this.ctx.signal);
    return this;
  }

  /** One tick a second after the last; the samples it emitted. */
  tick(): Samples {
    this.ctx.clock.advance(1000);
    const from = this.ctx.emitted.length;
    void this.collector.collect!(this.ctx.signal);
    return new Samples(this.ctx.emitted.slice(from));
  }
}

/** Ticks until every name was told: some are asked on a thread and told at a tick after. All samples of these ticks. */
export async function ticksUntil(machine: Machine, names: readonly string[]): Promise<Samples> {
  const all: EmittedSample[] = [];
  for (const untilMs = performance.now() + 60_000; performance.now() < untilMs; ) {
    all.push(...machine.tick().all);
    if (names.every((name) => all.some((sample) => sample.name === name))) break;
    await new Promise((done) => setTimeout(done, 10));
  }
  return new Samples([...new Map(all.map((sample) => [seriesKey(sample.name, sample.labels), sample])).values()]);
}

export class Samples {
  readonly all: readonly EmittedSample[];

  constructor(all: readonly EmittedSample[]) {
    this.all = all;
  }

  named(name: string): readonly EmittedSample[] {
    return this.all.filter((sample) => sample.name === name);
  }

  /** The one value of a series, or undefined. NaN is a staleness marker. */
  value(name: string, labels: Labels = {}): number | undefined {
    const matching = this.named(name).filter((sample) =>
      Object.entries(labels).every(([key, value]) => sample.labels[key] === value),
    );
    if (matching.length > 1) throw new Error(`${name} ${JSON.stringify(labels)} matches ${matching.length} samples`);
    return matching[0]?.value;
  }
}

/** A collector of this very machine. */
export function realCollector(config: Partial<HostConfig> = {}): { ctx: TestContext; collector: Collector } {
  const ctx = new TestContext(manifest, { startMs: Date.now() });
  const collector = plugin(ctx, { ...(defaults as unknown as HostConfig), ...config });
  onTestFinished(() => ctx.dispose());
  return { ctx, collector };
}
