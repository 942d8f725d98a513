import { type ChildProcess, spawn } from "node:child_process";
import { constants, setPriority } from "node:os";
import { AgentError, type Logger } from "all-use-agent/sdk";
import { ProcessOutput } from "../process/output.ts";
import { Throttle } from "../process/throttle.ts";
import { EndedCpu, type GroupUsage, groupUsage } from "./group-usage.ts";
import type { Program } from "./program.ts";

/** Between SIGTERM and SIGKILL. */
const GRACE_MS = 1000;
/** Between its exit and the end of what it wrote. */
const DRAIN_MS = 100;
const LOOK_MS = 250;
/** A collector that starts more than this is out of hand. */
const PROCESSES_MAX = 64;
/** Below the agent: it can wait. */
const NICE = 5;
const NOTHING: GroupUsage = { processes: 0, residentBytes: 0, cpuMs: 0 };

export interface RunOwner {
  readonly log: Logger;
  readonly bytesPerSecond: number;
  /** It runs on: what it takes is looked up while it lives, not when it has ended. */
  readonly lasting: boolean;
  /** A piece of its standard output. An AgentError thrown here ends it. */
  output(chunk: Buffer): void;
  /** It prints faster than it is read. */
  slowed?(): void;
  /** It closed its standard output and lives on. */
  closed?(): void;
}

/** How a run ended. */
export interface RunEnd {
  /** Why the agent ended it, or what kept it from starting; null when it ended by itself. */
  readonly error: AgentError | null;
  readonly status: number | null;
  readonly signal: string | null;
  /** In words, with the last line of its standard error. */
  readonly reason: string;
  readonly outputBytes: number;
  readonly cpuMs: number;
}

/** One life of a program: started as a group of its own, read, watched, ended with all that it started. */
export class ExecRun {
  /** Resolves, and never rejects, when it is gone and its output is read. */
  readonly ended: Promise<RunEnd>;
  private readonly child: ChildProcess;
  private readonly program: Program;
  private readonly stdout: Throttle;
  private readonly stderr: ProcessOutput;
  private readonly cpu: EndedCpu | null;
  private readonly timers = new Set<NodeJS.Timeout>();
  private look: NodeJS.Timeout | null = null;
  private error: AgentError | null = null;
  private outputBytes = 0;
  private last: GroupUsage = NOTHING;
  private exited = false;

  constructor(program: Program, owner: RunOwner) {
    this.program = program;
    this.cpu = owner.lasting ? null : new EndedCpu();
    const [file, ...args] = program.command;
    this.child = spawn(file, args, {
      cwd: program.folder,
      env: program.environment,
      stdio: ["ignore", "pipe", "pipe"],
      // A group of its own, so that one signal reaches all of it. Windows would open a window.
      detached: process.platform !== "win32",
      windowsHide: true,
    });
    const { stdout, stderr } = this.child;
    this.stderr = new ProcessOutput([stderr!], owner.log);
    this.stdout = new Throttle(
      stdout!,
      owner.bytesPerSecond,
      (chunk) => this.take(chunk, owner),
      () => owner.slowed?.(),
    );
    // Where it closes because it ends, its exit follows at once.
    stdout!.once("end", () => this.after(GRACE_MS, () => this.exited || owner.closed?.()));
    this.ended = new Promise((resolve) => this.follow(resolve));
    if (this.child.pid === undefined) return;
    try {
      setPriority(this.child.pid, NICE);
    } catch {
      // It ended already, or the system does not allow it: a courtesy to the agent's own ticks, no more.
    }
    this.look = setInterval(() => this.watch(), LOOK_MS);
  }

  get pid(): number | null {
    return this.exited ? null : (this.child.pid ?? null);
  }

  /** The program and all it started, now. */
  usage(): GroupUsage {
    if (this.pid === null) return NOTHING;
    return (this.last = groupUsage(this.pid));
  }

  get lastLines(): readonly string[] {
    return this.stderr.lastLines;
  }

  /** Tells it to end, and ends it when it does not: SIGTERM to all of its group, SIGKILL a second later. */
  stop(error: AgentError): void {
    this.error ??= error;
    this.signal("SIGTERM");
    this.after(GRACE_MS, () => this.signal("SIGKILL"));
  }

  kill(error: AgentError): void {
    this.error ??= error;
    this.signal("SIGKILL");
  }

  private follow(resolve: (end: RunEnd) => void): void {
    const finish = (status: number | null, signal: string | null): void => {
      for (const timer of this.timers) clearTimeout(timer);
      this.stdout.dispose();
      this.stderr.dispose();
      resolve({
        error: this.error,
        status,
        signal,
        reason: this.reason(status, signal),
        outputBytes: this.outputBytes,
        cpuMs: this.cpu?.take() ?? this.last.cpuMs,
      });
    };
    this.child.once("error", (error) => {
      this.error ??= new AgentError("program_failed", `its program could not be started: ${error.message}`);
      if (this.look) clearInterval(this.look);
      if (this.child.pid === undefined) finish(null, null);
    });
    this.child.once("exit", (status, signal) => {
      // Whoever is left of its group, and would keep its pipes open.
      this.signal("SIGKILL");
      this.exited = true;
      if (this.look) clearInterval(this.look);
      let done = false;
      const once = (): void => {
        if (done) return;
        done = true;
        finish(...endOf(status, signal));
      };
      this.child.once("close", once);
      this.after(DRAIN_MS, once);
    });
  }

  private take(chunk: Buffer, owner: RunOwner): void {
    this.outputBytes += chunk.length;
    if (this.error) return;
    try {
      owner.output(chunk);
    } catch (error) {
      this.kill(error instanceof AgentError ? error : new AgentError("output_invalid", "its output cannot be read"));
    }
  }

  private watch(): void {
    const { residentBytes, processes } = this.usage();
    const { budgetBytes } = this.program;
    if (processes > PROCESSES_MAX)
      this.kill(new AgentError("processes_exceeded", `its program started more than ${PROCESSES_MAX} processes`));
    else if (residentBytes > budgetBytes)
      this.kill(
        new AgentError(
          "memory_exceeded",
          `its program used ${megabytes(residentBytes)} MB of memory; its budget is ${megabytes(budgetBytes)} MB (budget.memory_mb)`,
        ),
      );
  }

  private signal(signal: NodeJS.Signals): void {
    const { pid } = this.child;
    if (pid === undefined) return;
    try {
      if (process.platform === "win32") this.child.kill(signal);
      else process.kill(-pid, signal);
    } catch {
      // Nobody is left of the group.
    }
  }

  private after(ms: number, task: () => void): void {
    this.timers.add(setTimeout(task, ms));
  }

  private reason(status: number | null, signal: string | null): string {
    const said = this.lastLines.at(-1);
    const how = signal === null ? `ended with status ${status ?? "unknown"}` : `was ended by ${signal}`;
    return `its program ${how}${said === undefined ? "" : `: ${said}`}`;
  }
}

/** A shell between tells of a signal by a status above 128. */
function endOf(status: number | null, signal: NodeJS.Signals | null): [number | null, string | null] {
  if (status === null || status <= 128) return [status, signal];
  const name = Object.entries(constants.signals).find(([, number]) => number === status - 128)?.[0];
  return name === undefined ? [status, null] : [null, name];
}

function megabytes(bytes: number): number {
  return Math.round(bytes / 1024 / 1024);
}
