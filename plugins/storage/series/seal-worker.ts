import { type Job, runJob } from "./seal-job.ts";

/** What the process sends back: the block files, or why there are none; and the CPU it took. */
export interface JobAnswer {
  readonly blocks?: readonly Uint8Array[];
  readonly error?: string;
  readonly cpuMs: number;
}

/** Runs jobs one at a time as they come over IPC. It ends with its parent, or when that has nothing left to do. */
process.on("disconnect", () => process.exit(0));
process.on("message", (job: Job) => {
  const before = process.cpuUsage();
  const answer = (result: Omit<JobAnswer, "cpuMs">): void => {
    const { user, system } = process.cpuUsage(before);
    process.send?.({ ...result, cpuMs: (user + system) / 1000 });
  };
  runJob(job).then(
    (blocks) => answer({ blocks }),
    (error: unknown) => answer({ error: error instanceof Error ? error.message : String(error) }),
  );
});
