import { type ChildProcess, fork } from "node:child_process";
import { setPriority } from "node:os";
import { fileURLToPath } from "node:url";
import { type Job, runJob } from "./seal-job.ts";
import type { JobAnswer } from "./seal-worker.ts";

/** The process is ended this long after its last job. */
const IDLE_MS = 500;
/** Two hours of 900 series take some 60 MB to merge; more than this means that something is wrong. */
const HEAP_MB = 256;
/** Below everything that somebody waits for. */
const NICE = 10;

const fromSource = import.meta.url.endsWith(".ts");
/** TypeScript sources run as they are from Node 22.18 on; before, only a build can be started. */
const canStart = !fromSource || Boolean((process.features as { typescript?: unknown }).typescript);

/**
 * Runs seal and merge jobs, one at a time, in a process that lives only while there are any. A process and no worker thread:
 * what a thread has taken (40 MB after the first seal) the allocator keeps for good, and a second of work in ten minutes
 * should not cost memory all the time.
 */
export class Sealer {
  private child: ChildProcess | null = null;
  private idle: NodeJS.Timeout | null = null;
  private queue: Promise<unknown> = Promise.resolve();
  private closed = false;
  /** CPU that jobs took outside this process. */
  cpuMs = 0;

  run(job: Job): Promise<readonly Uint8Array[]> {
    const result = this.queue.then(() => this.runNow(job));
    this.queue = result.catch(() => undefined);
    return result;
  }

  private async runNow(job: Job): Promise<readonly Uint8Array[]> {
    if (this.closed) throw new Error("the store is stopping");
    if (!canStart) return runJob(job);
    if (this.idle !== null) clearTimeout(this.idle);
    this.idle = null;
    const child = (this.child ??= start());
    const over = new AbortController();
    try {
      const { blocks, error, cpuMs } = await answerOf(child, job, over.signal);
      this.cpuMs += cpuMs;
      if (blocks === undefined) throw new Error(error);
      return blocks;
    } catch (error) {
      this.end();
      throw error;
    } finally {
      over.abort();
      if (this.child !== null) {
        this.idle = setTimeout(() => this.end(), IDLE_MS);
        this.idle.unref();
      }
    }
  }

  private end(): void {
    this.child?.kill("SIGKILL");
    this.child = null;
  }

  /** Ends the process; a running job rejects. */
  async close(): Promise<void> {
    this.closed = true;
    if (this.idle !== null) clearTimeout(this.idle);
    this.end();
    await this.queue;
  }
}

function start(): ChildProcess {
  const child = fork(fileURLToPath(new URL(fromSource ? "./seal-worker.ts" : "./seal-worker.js", import.meta.url)), {
    // Electron's binary is Node with this set; Node itself does not look at it.
    env: { ...process.env, ELECTRON_RUN_AS_NODE: "1", NODE_OPTIONS: "" },
    // From sources the SDK is found by its types: the built one may be older, or not there.
    execArgv: [`--max-old-space-size=${HEAP_MB}`, "--max-semi-space-size=4", ...(fromSource ? ["--conditions=types"] : [])],
    serialization: "advanced",
    stdio: ["ignore", "ignore", "ignore", "ipc"],
  });
  // Whoever waits for an answer hears of it, too; a process that dies between jobs concerns nobody.
  child.on("error", () => undefined);
  child.unref();
  child.channel?.unref();
  try {
    if (child.pid !== undefined) setPriority(child.pid, NICE);
  } catch {
    // Not allowed everywhere, and only a courtesy.
  }
  return child;
}

function answerOf(child: ChildProcess, job: Job, over: AbortSignal): Promise<JobAnswer> {
  return new Promise((resolve, reject) => {
    const answered = (answer: JobAnswer): void => resolve(answer);
    const ended = (code: number | null, signal: string | null): void =>
      reject(new Error(`the sealing process ended (${signal ?? `exit status ${code ?? 0}`})`));
    child.once("message", answered).once("error", reject).once("exit", ended);
    child.ref();
    child.channel?.ref();
    over.addEventListener("abort", () => {
      child.off("message", answered).off("error", reject).off("exit", ended);
      child.unref();
      child.channel?.unref();
    });
    child.send(job, (error) => {
      if (error !== null) reject(error);
    });
  });
}
