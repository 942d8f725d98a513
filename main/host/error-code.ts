import { AgentError } from "all-use-agent/sdk";

/** The code under which an error is counted: its own, or what it came of. */
export function errorCode(error: unknown, otherwise: string): string {
  // What a process threw without a code of its own comes as `failed`.
  return error instanceof AgentError && error.code !== "failed" ? error.code : otherwise;
}
