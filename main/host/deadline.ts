import { AgentError, type Disposable } from "all-use-agent/sdk";
import type { TimeSource } from "./time.ts";

/** What `task` resolves to, or AgentError `code` when it takes longer. The task itself is not stopped: abort it yourself. */
export async function withDeadline<T>(
  time: TimeSource,
  ms: number,
  code: string,
  what: string,
  task: Promise<T> | T,
): Promise<T> {
  let timer: Disposable | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = time.after(ms, () => reject(new AgentError(code, `${what} took longer than ${ms / 1000} s`)));
  });
  try {
    return await Promise.race([task, late]);
  } finally {
    void timer?.dispose();
  }
}
