import { StringDecoder } from "node:string_decoder";
import { AgentError, type Disposable, type Logger, type TextParser, type TextReading } from "all-use-agent/sdk";
import type { CrashRecord } from "../process/crash-record.ts";
import { everyAligned, type TimeSource } from "../time.ts";
import { ExecRun, type RunEnd } from "./exec-run.ts";
import type { Program } from "./program.ts";

/** Some 20,000 samples a second. */
const BYTES_PER_SECOND = 1024 * 1024;
/** A stream that says how often it prints is silent after three times that, but not before this. */
const SILENT_MIN_MS = 10_000;
/** One that does not say is silent when nothing at all comes of it. */
const FIRST_READING_MS = 30_000;

export interface StreamOwner {
  readonly log: Logger;
  readonly time: TimeSource;
  /** How often a reading is expected, or null when nobody knows. */
  readonly intervalMs: number | null;
  parser(ended: (reading: TextReading) => void): TextParser;
  reading(reading: TextReading): void;
  slowed(): void;
  silent(error: AgentError): void;
  /** It ended; it starts again in `delayMs`, or not any more. */
  crashed(error: AgentError, delayMs: number | null, printed: readonly string[]): void;
  /** What a life of it took, in ms. */
  took(cpuMs: number): void;
}

/** A program that runs all the time: started again after a crash, later and later, until it crashed too often. */
export class ExecStream {
  /** Of the program in hand; null between two of its lives. */
  run: ExecRun | null = null;
  restarts = 0;
  private readonly program: Program;
  private readonly owner: StreamOwner;
  private readonly crashes: CrashRecord;
  /** While it lasts, earlier crashes are not yet forgotten. */
  private trial: Disposable | null = null;
  private readonly watch: Disposable;
  private restart: Disposable | null = null;
  /** Of this life of the program. */
  private readings = 0;
  private lastMs = 0;
  private stopped = false;

  constructor(program: Program, crashes: CrashRecord, owner: StreamOwner) {
    this.program = program;
    this.crashes = crashes;
    this.owner = owner;
    const silentMs = owner.intervalMs === null ? FIRST_READING_MS : Math.max(3 * owner.intervalMs, SILENT_MIN_MS);
    this.watch = everyAligned(owner.time, silentMs / 2, () => this.listen(silentMs));
    this.launch();
  }

  /** Resolves when it is gone. */
  async stop(error: AgentError): Promise<void> {
    this.stopped = true;
    void this.watch.dispose();
    void this.restart?.dispose();
    this.run?.stop(error);
    await this.run?.ended;
  }

  private launch(): void {
    const { owner } = this;
    const decoder = new StringDecoder("utf8");
    const parser = owner.parser((reading) => {
      this.readings++;
      this.lastMs = owner.time.monotonic();
      owner.reading(reading);
    });
    const run = new ExecRun(this.program, {
      log: owner.log,
      lasting: true,
      bytesPerSecond: BYTES_PER_SECOND,
      output: (chunk) => parser.push(decoder.write(chunk)),
      slowed: () => owner.slowed(),
      closed: () =>
        run.stop(
          new AgentError("output_closed", "its program closed its standard output and went on: nothing more can come of it"),
        ),
    });
    this.run = run;
    this.readings = 0;
    this.lastMs = owner.time.monotonic();
    this.trial = this.crashes.started();
    void run.ended.then((end) => this.ended(run, end));
  }

  private ended(run: ExecRun, end: RunEnd): void {
    const { owner } = this;
    this.run = null;
    void this.trial?.dispose();
    owner.took(end.cpuMs);
    if (this.stopped) return;
    const error = end.error ?? new AgentError("crashed", end.reason);
    const delayMs = this.crashes.crashed(error);
    if (delayMs !== null) {
      this.restart = owner.time.after(delayMs, () => {
        this.restarts++;
        this.launch();
      });
    }
    owner.crashed(error, delayMs, run.lastLines);
  }

  private listen(silentMs: number): void {
    const { time, intervalMs } = this.owner;
    if (!this.run || time.monotonic() - this.lastMs < silentMs || (intervalMs === null && this.readings > 0)) return;
    this.owner.silent(new AgentError("silent", `its program printed no reading for ${silentMs / 1000} s`));
  }
}
