import { StringDecoder } from "node:string_decoder";
import { setTimeout as wait } from "node:timers/promises";
import {
  AgentError,
  type Labels,
  type Manifest,
  type MetricInfo,
  seriesKey,
  type TextParser,
  type TextReading,
  type TextSeries,
} from "all-use-agent/sdk";
import { resolveConfig } from "../plugin-config.ts";
import { Permissions } from "../process/permissions.ts";
import type { InstanceStore } from "../private-store.ts";
import { ExecRun, type RunEnd } from "./exec-run.ts";
import { family } from "./group-usage.ts";
import { prepareProgram, type Program } from "./program.ts";
import { declarationDifferences, ExecReader } from "./reading.ts";

const RUNS = 5;
const DEADLINE_MIN_MS = 1000;
const FIRST_READING_MIN_MS = 10_000;
const ENDS_WITHIN_MS = 1000;
const BYTES_PER_SECOND = 8 * 2 ** 20;
const SILENT_LOG = { debug() {}, info() {}, warn() {}, error() {} };

/** One property of a well-behaved program, as in the SDK's conformance kit. `run` rejects with one sentence. */
export interface ExecCheck {
  readonly name: string;
  readonly run: () => Promise<void>;
}

interface Sample {
  readonly series: string;
  readonly metric: MetricInfo;
  readonly timestampMs: number;
  readonly value: number;
}

/** What every exec plugin must do. Each check starts the program as the agent would, with the defaults of its configuration. */
export function execChecks(manifest: Manifest, folder: string): ExecCheck[] {
  if (manifest.platforms && !(manifest.platforms as readonly string[]).includes(process.platform)) return [];
  const trial = new Trial(manifest, folder);
  const isStream = manifest.exec?.mode === "stream";
  return [
    { name: "its manifest is valid", run: () => Promise.resolve() },
    { name: "its program is there", run: () => trial.with(() => Promise.resolve()) },
    {
      name: isStream ? "it prints readings, one after another" : `it prints a reading and ends, ${RUNS} times over`,
      run: () => trial.with((program) => trial.readings(program, RUNS).then(() => {})),
    },
    { name: "every line of its output can be read", run: () => trial.with((program) => trial.clean(program)) },
    {
      name: "it prints only metrics that plugin.json declares, of their type and unit",
      run: () => trial.with((program) => trial.declared(program)),
    },
    { name: "its values and times make sense", run: () => trial.with((program) => trial.sane(program)) },
    { name: "it ends on SIGTERM, and nothing of it is left", run: () => trial.with((program) => trial.ends(program)) },
  ];
}

/** Runs the program and keeps what came of it. */
class Trial {
  private readonly manifest: Manifest;
  private readonly folder: string;
  private readonly config: Record<string, unknown>;
  private readonly intervalMs: number;
  private readonly files = new Map<string, Uint8Array>();
  private readonly infos: { key: string; metric: MetricInfo }[] = [];
  private reader: ExecReader;
  private samples: Sample[][] = [];
  private complaints: string[] = [];
  private differences: string[] = [];

  constructor(manifest: Manifest, folder: string) {
    this.manifest = manifest;
    this.folder = folder;
    this.config = resolveConfig(manifest, {}, folder);
    this.reader = this.makeReader();
    const { interval_ms: intervalMs } = this.config;
    this.intervalMs = typeof intervalMs === "number" ? intervalMs : DEADLINE_MIN_MS;
  }

  async with(task: (program: Program) => Promise<void>): Promise<void> {
    const store: Pick<InstanceStore, "read" | "write"> = {
      read: (name) => Promise.resolve(this.files.get(name) ?? null),
      write: (name, bytes) => Promise.resolve(void this.files.set(name, bytes)),
    };
    const program = await prepareProgram(this.manifest, this.folder, "default", this.config, store);
    this.samples = [];
    this.complaints = [];
    this.differences = [];
    try {
      await task(program);
    } finally {
      await program.dispose();
    }
  }

  /** Resolves with so many readings, each with a sample; throws a sentence when they do not come. */
  async readings(program: Program, count: number): Promise<void> {
    if (this.manifest.exec?.mode === "stream") return this.follow(program, count);
    for (let i = 0; i < count; i++) await this.once(program);
    demand(
      this.samples.some((samples) => samples.length > 0),
      `it ended well, and no sample came of it${this.complaints[0] === undefined ? "" : `: ${this.complaints[0]}`}`,
    );
  }

  async clean(program: Program): Promise<void> {
    await this.readings(program, 1);
    demand(this.complaints.length === 0, this.complaints[0] ?? "");
  }

  async declared(program: Program): Promise<void> {
    await this.readings(program, 2);
    const undeclared = this.complaints.find((complaint) => complaint.includes("does not declare"));
    demand(undeclared === undefined, undeclared ?? "");
    demand(this.differences.length === 0, this.differences[0] ?? "");
  }

  async sane(program: Program): Promise<void> {
    const startMs = Date.now();
    await this.readings(program, 3);
    const before = new Map<string, number>();
    for (const samples of this.samples) {
      const seen = new Set<string>();
      for (const { series, metric, timestampMs, value } of samples) {
        const at = `${series} ${timestampMs}`;
        demand(!seen.has(at), `${series} is there twice in one reading`);
        seen.add(at);
        demand(timestampMs <= Date.now() + 60_000, `${series} has a time in the future: ${new Date(timestampMs).toISOString()}`);
        demand(
          timestampMs >= startMs - 365 * 86_400_000,
          `${series} has the time ${new Date(timestampMs).toISOString()}; times are ${this.manifest.exec?.format === "openmetrics" ? "seconds" : "milliseconds"} since 1970`,
        );
        if (metric.type !== "counter") continue;
        demand(value >= 0, `${series} is a counter and has the value ${value}`);
        const last = before.get(series) ?? 0;
        demand(value >= last, `${series} is a counter and fell from ${last} to ${value}`);
        before.set(series, value);
      }
    }
  }

  async ends(program: Program): Promise<void> {
    const run = this.start(program, () => {});
    // As soon as its own code runs; a program that prints once may be over by then.
    await Promise.race([run.ended, wait(300)]);
    const pids = run.pid === null ? [] : family(run.pid);
    const startMs = performance.now();
    run.stop(new AgentError("stopped", "stopped"));
    await run.ended;
    demand(performance.now() - startMs < ENDS_WITHIN_MS, `it did not end within ${ENDS_WITHIN_MS} ms of SIGTERM and was killed`);
    await wait(50);
    const left = pids.flatMap((pid) => family(pid).filter(isAlive));
    demand(left.length === 0, `processes that it started live on: ${left.join(", ")}`);
  }

  private async once(program: Program): Promise<void> {
    const deadlineMs = Math.max(this.intervalMs, DEADLINE_MIN_MS);
    const parser = this.parser();
    const decoder = new StringDecoder("utf8");
    const run = this.start(program, (chunk) => parser.push(decoder.write(chunk)));
    const timer = setTimeout(
      () =>
        run.stop(new AgentError("collect_timeout", `a run took longer than ${deadlineMs} ms; it must print and exit by then`)),
      deadlineMs,
    );
    const end = await run.ended;
    clearTimeout(timer);
    check(end);
    const reading = parser.end();
    if (this.manifest.exec?.format === "openmetrics" && !reading.whole)
      this.complaints.push("its output does not end with # EOF");
    this.keep(reading);
  }

  private async follow(program: Program, count: number): Promise<void> {
    const withinMs = Math.max(FIRST_READING_MIN_MS, this.intervalMs * (count + 1));
    const decoder = new StringDecoder("utf8");
    let enough!: () => void;
    const come = new Promise<void>((resolve) => (enough = resolve));
    const parser = this.parser((reading) => {
      this.keep(reading);
      if (this.samples.filter((samples) => samples.length > 0).length >= count) enough();
    });
    const run = this.start(program, (chunk) => parser.push(decoder.write(chunk)));
    const abort = new AbortController();
    const late = wait(withinMs, "late", { signal: abort.signal }).catch(() => "late");
    const first = await Promise.race([come.then(() => "come"), run.ended, late]);
    abort.abort();
    if (typeof first === "object") {
      check(first);
      throw new Error("it ended: a stream runs until it is told to end");
    }
    run.stop(new AgentError("stopped", "stopped"));
    await run.ended;
    demand(
      first === "come",
      `${this.samples.length} readings with samples came within ${withinMs / 1000} s, expected ${count}; a reading ends with # EOF or an empty line, of JSON with its line`,
    );
  }

  private start(program: Program, output: (chunk: Buffer) => void): ExecRun {
    return new ExecRun(program, { log: SILENT_LOG, lasting: false, bytesPerSecond: BYTES_PER_SECOND, output });
  }

  private makeReader(): ExecReader {
    const ids = new Map<string, number>();
    const registerSeries = (name: string, labels: Labels, metric: MetricInfo): number => {
      const key = seriesKey(name, labels);
      const known = ids.get(key);
      if (known !== undefined) return known;
      ids.set(key, this.infos.length);
      return this.infos.push({ key, metric }) - 1;
    };
    return new ExecReader({
      manifest: this.manifest,
      permissions: new Permissions(this.manifest, SILENT_LOG),
      log: SILENT_LOG,
      services: { registerSeries, emit: () => 0 },
      defined: (series: TextSeries, metric: MetricInfo) =>
        void this.differences.push(...declarationDifferences(series.family, metric).map((one) => `${series.name}: ${one}`)),
    });
  }

  private parser(ended?: (reading: TextReading) => void): TextParser {
    this.reader = this.makeReader();
    return this.reader.parser(ended);
  }

  private keep(reading: TextReading): void {
    const { complaint } = this.reader.take(reading, Date.now());
    if (complaint) this.complaints.push(complaint.message);
    const { batch } = reading;
    this.samples.push(
      Array.from({ length: batch.length }, (_, row) => ({
        series: this.infos[batch.series[row]].key,
        metric: this.infos[batch.series[row]].metric,
        timestampMs: batch.timestamps[row],
        value: batch.values[row],
      })),
    );
  }
}

function check({ error, status, reason }: RunEnd): void {
  if (error) throw error;
  if (status !== 0) throw new Error(reason);
}

function demand(condition: boolean, message: string): void {
  if (!condition) throw new Error(message);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
