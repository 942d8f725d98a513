import { Worker } from "node:worker_threads";
import type { Job, JobResult } from "./seal-job.ts";

/** The worker is ended this long after its last job: idle it would hold some 10 MB. */
const IDLE_MS = 500;
/** Seals of 10 minutes need 20 MB; a worker must not be able to take the machine. */
const HEAP_MB = 256;

const fromSource = import.meta.url.endsWith(".ts");
/** TypeScript sources run as they are from Node 22.18 on; before, the worker can only be started from a build. */
const canStart = !fromSource || Boolean((process.features as { typescript?: unknown }).typescript);

/** Runs seal and merge jobs, one at a time, in a worker thread that lives only while there are any. */
export class Sealer {
  private worker: Worker | null = null;
  private idle: NodeJS.Timeout | null = null;
  private queue: Promise<unknown> = Promise.resolve();
  private closed = false;

  run(job: Job): Promise<JobResult> {
    const result = this.queue.then(() => this.runNow(job));
    this.queue = result.catch(() => undefined);
    return result;
  }

  private async runNow(job: Job): Promise<JobResult> {
    if (this.closed) throw new Error("the store is stopping");
    if (!canStart) return (await import("./seal-job.ts")).runJob(job);
    if (this.idle !== null) clearTimeout(this.idle);
    this.idle = null;
    const worker = (this.worker ??= startWorker());
    worker.ref();
    const over = new AbortController();
    try {
      return await answerOf(worker, job, over.signal);
    } catch (error) {
      this.end();
      throw error;
    } finally {
      over.abort();
      worker.unref();
      if (this.worker !== null) {
        this.idle = setTimeout(() => this.end(), IDLE_MS);
        this.idle.unref();
      }
    }
  }

  private end(): void {
    const worker = this.worker;
    this.worker = null;
    if (worker === null) return;
    void worker.terminate();
  }

  /** Ends the worker; a running job rejects. */
  async close(): Promise<void> {
    this.closed = true;
    if (this.idle !== null) clearTimeout(this.idle);
    this.end();
    await this.queue;
  }
}

function startWorker(): Worker {
  const worker = new Worker(new URL(fromSource ? "./seal-worker.ts" : "./seal-worker.js", import.meta.url), {
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MB },
    execArgv: [],
  });
  // Whoever waits for an answer hears of it, too; a worker that dies between jobs concerns nobody.
  worker.on("error", () => undefined);
  return worker;
}

function answerOf(worker: Worker, job: Job, over: AbortSignal): Promise<JobResult> {
  return new Promise((resolve, reject) => {
    const answered = (answer: JobResult & { error?: string }): void => (answer.error === undefined ? resolve(answer) : reject(new Error(answer.error)));
    const ended = (code: number): void => reject(new Error(`the sealing worker ended with code ${code}`));
    worker.once("message", answered).once("error", reject).once("exit", ended);
    over.addEventListener("abort", () => worker.off("message", answered).off("error", reject).off("exit", ended));
    worker.postMessage(job);
  });
}
