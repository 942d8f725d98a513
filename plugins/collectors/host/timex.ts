import type { SeriesId } from "all-use-agent/sdk";
import type { Columns } from "./columns.ts";
import type { Facts, Group } from "./group.ts";

/**
 * The state of the kernel's clock discipline is to be had by the system call adjtimex alone, which Node cannot make.
 * Perl can, and is part of every Debian and most other distributions. Starting it holds the main thread for some
 * milliseconds, so it is asked after the tick and as seldom as the five minutes that a query looks back allow.
 */
const SYSTEM_CALL: Readonly<Record<string, number>> = { x64: 159, arm64: 171, riscv64: 171 };
/** `struct timex` on 64-bit machines: 208 bytes, `l` 32 and `q` 64 bits, modes first. */
const PROGRAM = String.raw`
  my $timex = "\0" x 208;
  my $state = syscall($ARGV[0], $timex);
  exit 1 if $state < 0;
  print join " ", $state, unpack("x8 q4 l x4 q q2 q2 q q q l x4 q q4 l", $timex);`;

const ASK_EVERY_MS = 240_000;
const ANSWER_DEADLINE_MS = 5000;

const TIME_ERROR = 5;
const STATUS_NANOSECONDS = 0x2000;
const MICRO = 1e6;
/** Parts per million with a 16-bit fraction. */
const PPM_16 = 1e6 * 65536;

/** Values in the order of METRICS from the words of the program's answer. */
function valuesOf(words: readonly number[]): number[] {
  const [
    state,
    offset,
    freq,
    maxerror,
    esterror,
    status,
    constant,
    ,
    ,
    ,
    ,
    tick,
    ppsfreq,
    jitter,
    shift,
    stabil,
    jitcnt,
    calcnt,
    errcnt,
    stbcnt,
    tai,
  ] = words;
  const divisor = status & STATUS_NANOSECONDS ? 1e9 : MICRO;
  return [
    state === TIME_ERROR ? 0 : 1,
    offset / divisor,
    1 + freq / PPM_16,
    maxerror / MICRO,
    esterror / MICRO,
    status,
    constant,
    tick / MICRO,
    ppsfreq / PPM_16,
    jitter / divisor,
    shift,
    stabil / PPM_16,
    jitcnt,
    calcnt,
    errcnt,
    stbcnt,
    tai,
  ];
}

const METRICS = [
  "sync_status",
  "offset_seconds",
  "frequency_adjustment_ratio",
  "maxerror_seconds",
  "estimated_error_seconds",
  "status",
  "loop_time_constant",
  "tick_seconds",
  "pps_frequency_hertz",
  "pps_jitter_seconds",
  "pps_shift_seconds",
  "pps_stability_hertz",
  "pps_jitter_total",
  "pps_calibration_total",
  "pps_error_total",
  "pps_stability_exceeded_total",
  "tai_offset_seconds",
] as const;

/** How well the system clock follows a reference. Silent where perl is missing. */
export class TimexGroup implements Group {
  readonly name = "timex";
  readonly pace = "slow";
  private readonly ids: readonly SeriesId[];
  private readonly systemCall = SYSTEM_CALL[process.arch];
  private readonly signal: AbortSignal;
  private values: readonly number[] = [];
  private askedMs = -Infinity;

  constructor(facts: Facts, signal: AbortSignal) {
    this.ids = METRICS.map((name) => facts.series(`node_timex_${name}`));
    this.signal = signal;
  }

  ready(): boolean {
    const nowMs = performance.now();
    if (nowMs - this.askedMs >= ASK_EVERY_MS && this.systemCall !== undefined) {
      this.askedMs = nowMs;
      const { systemCall } = this;
      setImmediate(() => void this.ask(systemCall));
    }
    return this.values.length > 0;
  }

  /** Gives an answer once: a clock's state of minutes ago is not its state now. */
  read(out: Columns): void {
    for (let i = 0; i < this.ids.length; i++) out.push(this.ids[i], this.values[i]);
    this.values = [];
  }

  close(): void {}

  private async ask(systemCall: number): Promise<void> {
    const { execFile } = await import("node:child_process");
    if (this.signal.aborted) return;
    const options = { timeout: ANSWER_DEADLINE_MS, signal: this.signal, env: {} };
    execFile("/usr/bin/perl", ["-e", PROGRAM, String(systemCall)], options, (error, answer) => {
      if (error) return;
      const words = answer.split(" ").map(Number);
      if (words.length !== 21 || words.some((word) => !Number.isFinite(word))) return;
      this.values = valuesOf(words);
    });
  }
}
