import { parentPort } from "node:worker_threads";
import { type Job, runJob } from "./seal-job.ts";

/** Runs jobs one at a time as they come. The main thread ends it when there is nothing left to do. */
parentPort?.on("message", (job: Job) => {
  try {
    const { blocks } = runJob(job);
    parentPort?.postMessage(
      { blocks },
      blocks.map((block) => block.buffer as ArrayBuffer),
    );
  } catch (error) {
    parentPort?.postMessage({ error: error instanceof Error ? error.message : String(error) });
  }
});
