/** For tests: a procfs of plain files in a temporary folder, and the collector reading it. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Collector, Manifest } from "all-use-agent/sdk";
import { type EmittedSample, TestContext } from "all-use-agent/sdk/testing";
import { onTestFinished } from "vitest";
import plugin from "../index.ts";

export const manifest = JSON.parse(readFileSync(new URL("../plugin.json", import.meta.url), "utf8")) as Manifest;
const properties = manifest.config!.properties as Record<string, { default: unknown }>;
/** The configuration as the agent fills it in. */
export const defaults = Object.fromEntries(
  Object.entries(properties).map(([key, value]) => [key, value.default]),
) as unknown as Parameters<typeof plugin>[1];

export interface FakeProcess {
  name?: string;
  parent?: number;
  state?: string;
  /** Seconds. */
  cpu?: number;
  children?: number;
  threads?: number;
  startTicks?: number;
  pages?: number;
  read?: number;
  written?: number;
  args?: string[];
}

export const TICK_MS = 2000;

export class FakeProc {
  readonly root = mkdtempSync(join(tmpdir(), "processes-collector-"));
  readonly ctx = new TestContext(manifest);
  readonly collector: Collector;
  private newest = 0;
  private forks = 0;

  constructor(config: Record<string, unknown> = {}) {
    writeFileSync(join(this.root, "stat"), "cpu 1\nbtime 1700000000\n");
    mkdirSync(join(this.root, "sys/kernel"), { recursive: true });
    writeFileSync(join(this.root, "sys/kernel/pid_max"), "32768\n");
    writeFileSync(join(this.root, "sys/kernel/threads-max"), "15000\n");
    this.collector = plugin(this.ctx, { ...defaults, source: "proc", proc_path: this.root, ...config });
    onTestFinished(async () => {
      await this.collector.stop?.();
      await this.ctx.dispose();
      rmSync(this.root, { recursive: true, force: true });
    });
  }

  run(pid: number, process: FakeProcess = {}): void {
    const folder = join(this.root, String(pid));
    mkdirSync(folder, { recursive: true });
    const ticks = Math.round((process.cpu ?? 0) * 100);
    const childTicks = Math.round((process.children ?? 0) * 100);
    const fields = [
      process.state ?? "S",
      process.parent ?? 1,
      ...[1, 1, 0, -1, 4194560, 100, 0, 0, 0],
      ...[ticks, 0, childTicks, 0],
      ...[20, 0, process.threads ?? 1, 0, process.startTicks ?? 1000, 1_000_000, process.pages ?? 100],
      ...[18446744073709551615n, 1, 1, 0, 0],
    ];
    writeFileSync(join(folder, "stat"), `${pid} (${process.name ?? "app"}) ${fields.join(" ")}\n`);
    // Without the file its I/O is not for us to see.
    if (pid < 100)
      writeFileSync(
        join(folder, "io"),
        `rchar: 9\nwchar: 9\nsyscr: 1\nsyscw: 1\nread_bytes: ${process.read ?? 0}\nwrite_bytes: ${process.written ?? 0}\ncancelled_write_bytes: 0\n`,
      );
    if (process.args) writeFileSync(join(folder, "cmdline"), `${process.args.join("\0")}\0`);
    this.newest = pid;
    this.forks++;
  }

  /** Ends it. A kept descriptor of a plain file would still read: here it is emptied as well, as the kernel would refuse. */
  end(pid: number): void {
    writeFileSync(join(this.root, String(pid), "stat"), "");
    rmSync(join(this.root, String(pid)), { recursive: true });
  }

  /** One interval, then one reading; what it emitted. */
  async tick(count = 1): Promise<EmittedSample[]> {
    for (let i = 0; i < count; i++) {
      writeFileSync(join(this.root, "loadavg"), `0.1 0.1 0.1 1/100 ${this.newest + this.forks * 100_000}\n`);
      this.ctx.emitted.length = 0;
      await this.ctx.advance(TICK_MS);
      await this.collector.collect!(this.ctx.signal);
    }
    return [...this.ctx.emitted];
  }

  /** Newest value of a series in what was emitted last, undefined where it is not there or ended. */
  value(name: string, labels: Record<string, string> = {}): number | undefined {
    const found = this.ctx.emitted.filter(
      (one) => one.name === name && Object.entries(labels).every(([key, value]) => one.labels[key] === value),
    );
    const value = found.at(-1)?.value;
    return Number.isNaN(value) ? undefined : value;
  }

  /** The values of a metric by one of its labels. */
  by(name: string, label: string): Record<string, number> {
    const found = this.ctx.emitted.filter((one) => one.name === name && !Number.isNaN(one.value));
    return Object.fromEntries(found.map((one) => [one.labels[label], one.value]));
  }

  sum(name: string): number {
    return Object.values(this.by(name, "program")).reduce((sum, one) => sum + one, 0);
  }
}
