import type { Process } from "./process.ts";

/** Where processes are read from into the table. */
export interface Source {
  /** Processes that are there and were not looked at. */
  readonly unread: number;
  /** Looks at all. Returns how many ms it kept the thread. */
  scan(signal: AbortSignal): Promise<number>;
  /** Reads one again between two scans, where that is cheap. */
  refresh(process: Process): void;
  /** The arguments it was started with; none where they are not known. */
  argumentsOf(process: Process): string[];
  /** When it began, Unix ms. */
  startedMs(process: Process): number;
  close(): void;
}
