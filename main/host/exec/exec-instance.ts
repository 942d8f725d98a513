import { StringDecoder } from "node:string_decoder";
import {
  AgentError,
  type Disposable,
  errorText,
  type Manifest,
  type PluginReport,
  type TextParser,
  type TextReading,
} from "all-use-agent/sdk";
import { SUSPENDED_MS } from "../budget.ts";
import { InstanceBase, type InstanceParts } from "../instance-base.ts";
import type { Instance } from "../instance-type.ts";
import type { CollectOwner } from "../strategy/collect-loop.ts";
import { CrashRecord, tooOften } from "../process/crash-record.ts";
import { Permissions } from "../process/permissions.ts";
import { ProcessBudget } from "../process/process-budget.ts";
import { ExecRun } from "./exec-run.ts";
import { prepareProgram, type Program } from "./program.ts";
import { ExecReader, READING_MAX_CHARACTERS, type Taken } from "./reading.ts";
import { ExecStream } from "./stream.ts";

/** A collector that is a program in any language: its runs, its state, and samples of what it prints. */
export class ExecInstance extends InstanceBase implements Instance {
  private readonly permissions: Permissions;
  private readonly crashes: CrashRecord;
  private readonly budget: ProcessBudget;
  private readonly reader: ExecReader;
  private parser: TextParser;
  private program: Program | null = null;
  private stream: ExecStream | null = null;
  /** Until it starts again after it was suspended. */
  private pause: Disposable | null = null;
  /** The run of a program that prints one reading. */
  private run: ExecRun | null = null;
  /** What is wrong with the last reading, although samples came of it. */
  private complaint: AgentError | null = null;
  /** What keeps it from being read as it should be, although readings are good. */
  private held: AgentError | null = null;
  private endedCpuMs = 0;
  /** Of streams before the one in hand. */
  private restarts = 0;
  private stopping: Promise<void> | null = null;

  constructor(parts: InstanceParts) {
    super(parts);
    this.permissions = new Permissions(parts.manifest, this.parts.log, parts.uses);
    this.crashes = new CrashRecord({ ...this.parts, folder: this.folder, hide: this.hide });
    this.budget = new ProcessBudget(parts.manifest, this.parts.log);
    this.reader = new ExecReader({ ...this.parts, permissions: this.permissions });
    this.parser = this.reader.parser();
  }

  get running(): boolean {
    return (this.state === "ok" || this.state === "degraded") && this.plugin !== null;
  }

  get busyMs(): number {
    return this.endedCpuMs + (this.stream?.run?.usage().cpuMs ?? 0);
  }

  async start(): Promise<void> {
    if (this.signal.aborted) return;
    this.enter("starting", null, null);
    try {
      const { instance, config, store } = this.parts;
      this.program = await prepareProgram(this.manifest, this.folder, instance, config, store);
      if (this.signal.aborted) return await this.program.dispose();
      const before = await this.crashes.recall();
      if (before !== null) throw new AgentError(before.code, `${before.reason}${tooOften(this.id)}`);
      this.go(this.program);
    } catch (error) {
      await this.fail(error, error instanceof AgentError ? error.code : "start_failed");
    }
  }

  private go(program: Program): void {
    // It has no methods, and yet it runs.
    this.plugin = {};
    this.budget.started();
    this.enter("ok", null, null);
    if (this.manifest.exec?.mode === "stream") this.startStream(program);
    else this.startRuns(program);
  }

  /** A program that runs on cannot be slowed, only suspended; one that is started each time is started every other time. */
  get slowed(): boolean {
    return this.budget.slowed;
  }

  lookAtBudget(): void {
    if (!this.running) return;
    const found = this.budget.look(this.parts.time.monotonic(), this.busyMs);
    if (found === null) {
      // A good reading says that it is well; its pace says otherwise.
      if (this.budget.slowed && this.code === null) this.enter("degraded", this.budget.reason, "budget_exceeded");
      return;
    }
    const { verdict, error } = found;
    if (verdict === "normal") this.judge(null);
    else if (verdict === "slow") this.enter("degraded", error.message, error.code);
    else {
      this.crashes.keepEvidence(error, []);
      void (verdict === "fail" ? this.fail(error, error.code) : this.suspend(error));
    }
  }

  private async suspend(error: AgentError): Promise<void> {
    this.enter("stopped", error.message, error.code);
    await this.end(error);
    if (this.signal.aborted) return;
    this.pause = this.parts.time.after(SUSPENDED_MS, () => {
      if (this.program && !this.signal.aborted) this.go(this.program);
    });
  }

  stop(): Promise<void> {
    this.stopping ??= this.wind();
    return this.stopping;
  }

  /** Its program keeps what it wants to keep. */
  saveSnapshot(): Promise<void> {
    return Promise.resolve();
  }

  /** What is metered is the time until the answer; CPU is the program's own. */
  call<T>(task: () => T): T {
    const startMs = performance.now();
    const measure = (): void => this.meter.add(performance.now() - startMs, 0);
    const result = task();
    if (result instanceof Promise) result.then(measure, measure);
    else measure();
    return result;
  }

  /** Nothing of a program stands on the samples' way. */
  onWay(): void {}

  crashed(error: unknown): void {
    this.meter.errors++;
    void this.fail(error, error instanceof AgentError ? error.code : "crashed");
  }

  report(): PluginReport {
    const run = this.stream?.run ?? this.run;
    this.meter.busyMs = this.busyMs;
    return this.reportOf({
      level: "exec",
      pid: run?.pid ?? null,
      residentBytes: run?.usage().residentBytes ?? 0,
      restarts: this.restarts + (this.stream?.restarts ?? 0),
      denied: this.permissions.denied,
      limits: this.program?.limits ?? [],
    });
  }

  private startRuns(program: Program): void {
    const collected = (): void => this.judge(this.complaint);
    const collectFailed = (error: unknown): void => {
      this.meter.errors++;
      this.judge(error instanceof AgentError ? error : new AgentError("collect_failed", errorText(error)));
    };
    const collect = (signal: AbortSignal): Promise<void> => this.readOnce(program, signal);
    const owner: CollectOwner = {
      time: this.parts.time,
      // An interval may be an hour.
      atOnce: true,
      call: (task) => this.call(task),
      skipped: () => void this.meter.skipped++,
      slowed: () => this.slowed,
      collected,
      collectFailed,
      held: (code, reason) => {
        this.held = new AgentError(code, reason);
        this.judge(this.held);
      },
      released: (code) => {
        if (this.held?.code === code) this.held = null;
        if (this.code === code) this.judge(null);
      },
    };
    this.loop = this.collecting(collect, owner, this.permissions);
  }

  /** One run of the program. Nothing is taken of a run that fails. */
  private async readOnce(program: Program, signal: AbortSignal): Promise<void> {
    if (this.run) return void this.meter.skipped++;
    const { log, time } = this.parts;
    const nowMs = time.now();
    const decoder = new StringDecoder("utf8");
    const { parser } = this;
    const run = new ExecRun(program, {
      log,
      lasting: false,
      bytesPerSecond: 4 * READING_MAX_CHARACTERS,
      output: (chunk) => parser.push(decoder.write(chunk)),
    });
    this.run = run;
    const late = (): void => run.stop(new AgentError("collect_timeout", "its program was ended: a reading took too long"));
    signal.addEventListener("abort", late, { once: true });
    if (signal.aborted) late();
    try {
      const { error, status, reason, outputBytes, cpuMs } = await run.ended;
      this.endedCpuMs += cpuMs;
      if (error ?? status !== 0) throw error ?? new AgentError("program_failed", reason);
      const reading = parser.end();
      const { samples, complaint } = this.take(reading, nowMs);
      this.complaint = complaint ?? wholeness(this.manifest, reading, outputBytes);
      if (this.complaint && samples === 0) throw this.complaint;
    } catch (error) {
      // What it knows of a half-read text is of no use to the next.
      this.parser = this.reader.parser();
      throw error;
    } finally {
      signal.removeEventListener("abort", late);
      this.run = null;
    }
  }

  private startStream(program: Program): void {
    const { time, config, log } = this.parts;
    const { interval_ms: intervalMs } = config;
    this.stream = new ExecStream(program, this.crashes, {
      log,
      time,
      intervalMs: typeof intervalMs === "number" ? intervalMs : null,
      parser: (ended) => this.reader.parser(ended),
      reading: (reading) => {
        const { complaint } = this.call(() => this.take(reading, time.now()));
        if (complaint) this.meter.errors++;
        this.judge(complaint);
      },
      slowed: () => this.permissions.count("it prints faster than 1 MB a second: it is read more slowly"),
      silent: (error) => this.judge(error),
      took: (cpuMs) => void (this.endedCpuMs += cpuMs),
      crashed: (error, delayMs, printed) => this.streamCrashed(error, delayMs, printed),
    });
  }

  private streamCrashed(error: AgentError, delayMs: number | null, printed: readonly string[]): void {
    this.meter.errors++;
    if (this.signal.aborted || this.state === "failed") return;
    this.crashes.keepEvidence(error, printed);
    if (delayMs === null) {
      return void this.fail(new AgentError(error.code, `${error.message}${tooOften(this.id)}`), error.code);
    }
    this.parts.log.warn(error.message);
    this.enter("degraded", `${error.message}; it starts again in ${delayMs / 1000} s`, error.code);
  }

  private take(reading: TextReading, nowMs: number): Taken {
    const taken = this.reader.take(reading, nowMs);
    this.meter.samples += taken.samples;
    return taken;
  }

  /** The state after a reading: what is wrong with it, or nothing. */
  private judge(error: AgentError | null): void {
    if (!this.running || this.signal.aborted) return;
    if (error === null && this.held !== null) return this.judge(this.held);
    if (error === null) {
      if (this.state !== "ok") this.enter("ok", null, null);
    } else if (this.code !== error.code || this.reason !== error.message) {
      this.parts.log.warn(error.message);
      this.enter("degraded", error.message, error.code);
    }
  }

  private async fail(error: unknown, code: string): Promise<void> {
    if (this.state === "failed" || this.stopping) return;
    this.enter("failed", errorText(error), code);
    this.parts.log.error(`failed: ${errorText(error)}`);
    await this.close();
  }

  private async wind(): Promise<void> {
    const failed = this.state === "failed";
    if (!failed) this.enter("stopping", null, null);
    await this.close();
    await this.crashes.settled();
    if (!failed) this.enter("stopped", null, null);
  }

  private async close(): Promise<void> {
    this.abort.abort();
    void this.pause?.dispose();
    await this.end(new AgentError("stopped", "its program was stopped"));
    try {
      await this.program?.dispose();
    } catch (error) {
      this.parts.log.warn(errorText(error));
    }
  }

  /** Ends what runs of it; resolves when it is gone. */
  private async end(why: AgentError): Promise<void> {
    this.plugin = null;
    this.loop?.dispose();
    this.loop = null;
    this.held = null;
    this.run?.stop(why);
    await Promise.all([this.run?.ended, this.stream?.stop(why)]);
    this.restarts += this.stream?.restarts ?? 0;
    this.stream = null;
  }
}

/** What a reading lacks of being whole. */
function wholeness({ exec }: Manifest, { whole }: TextReading, outputBytes: number): AgentError | null {
  if (outputBytes === 0)
    return new AgentError("output_empty", "its program printed nothing: it must print its samples on standard output");
  if (exec?.format === "openmetrics" && !whole)
    return new AgentError(
      "output_invalid",
      'its output ends without # EOF and may be cut short: print it last, or say "format": "prometheus"',
    );
  return null;
}
