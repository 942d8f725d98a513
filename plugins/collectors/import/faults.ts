import type { TextFault } from "all-use-agent/sdk";

/** What of a body could not be read: all counted, the first with their places. */
export interface Faults {
  readonly count: number;
  readonly first: readonly string[];
}

export const FAULTS_KEPT = 10;

export function placed({ line, column, message }: TextFault): string {
  return `line ${line} column ${column}: ${message}`;
}

/** Lets everything else of the agent have its turn within a body of many megabytes. */
export function breathe(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
