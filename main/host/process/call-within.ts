import { AgentError } from "all-use-agent/sdk";
import { withDeadline } from "../deadline.ts";
import { RealTime } from "../time.ts";
import type { Answer, CallOptions, ChildChannel } from "./child-channel.ts";

/** Deadlines of processes are real even where the agent's clock is not. */
const realTime = new RealTime();

export interface Within extends CallOptions {
  readonly ms: number;
  /** Of the error when it takes longer. */
  readonly code: string;
  /** For that error: "fitting models/x". */
  readonly what: string;
}

/** A call whose caller does not wait beyond a deadline or its own abort, whatever the process does. The process is told. */
export async function callWithin(
  channel: ChildChannel,
  method: string,
  args: readonly unknown[],
  { ms, code, what, signal, answerMaxBytes }: Within,
): Promise<Answer> {
  const gaveUp = new AbortController();
  const giveUp = (): void => gaveUp.abort(signal?.reason);
  if (signal?.aborted) giveUp();
  signal?.addEventListener("abort", giveUp, { once: true });
  const options = { signal: gaveUp.signal, ...(answerMaxBytes === undefined ? {} : { answerMaxBytes }) };
  const answer = Promise.race([channel.call(method, args, options), rejection(gaveUp.signal)]);
  try {
    return await withDeadline(realTime, ms, code, what, answer);
  } finally {
    // After an answer nobody listens any more.
    giveUp();
    signal?.removeEventListener("abort", giveUp);
  }
}

/**
 * Counts as a fault what `task` throws without a code of its own or with one of these: those are no answers. The end of the
 * process is dealt with where it ends.
 */
export async function faultless<T>(
  { fault, worked }: { readonly fault: (error: unknown) => void; readonly worked: () => void },
  codes: readonly string[],
  task: () => Promise<T>,
): Promise<T> {
  try {
    const result = await task();
    worked();
    return result;
  } catch (error) {
    if (error instanceof AgentError && (error.code === "failed" || codes.includes(error.code))) fault(error);
    throw error;
  }
}

function rejection(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const refuse = (): void => reject(signal.reason as Error);
    if (signal.aborted) refuse();
    else signal.addEventListener("abort", refuse, { once: true });
  });
}
