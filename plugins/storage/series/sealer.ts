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
    const worker = (this.worker ??= new Worker(new URL(fromSource ? "./seal-worker.ts" : "./seal-worker.js", import.meta.url), {
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MB },
      execArgv: [],
    }));
    worker.ref();
    try {
      return await new Promise<JobResult>((resolve, reject) => {
        worker.once("message", (answer: JobResult & { error?: string }) =>
          answer.error === undefined ? resolve(answer) : reject(new Error(answer.error)),
        );
        worker.once("error", reject);
        worker.once("exit", (code) => reject(new Error(`the sealing worker ended with code ${code}`)));
        worker.postMessage(job);
      });
    } catch (error) {
      this.end();
      throw error;
    } finally {
      worker.removeAllListeners();
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
    // It may have died already; there is nobody left to tell.
    worker.on("error", () => undefined);
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
