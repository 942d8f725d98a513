/** What a plugin may ask of the world beyond the agent, each under a permission of its `plugin.json`. */

/** Most of a file, of an answer over the network, or of what a program prints. */
export const OUTSIDE_MAX_BYTES = 4 * 1024 * 1024;
/** Most of what is sent along: a request's body, a program's input. */
export const OUTSIDE_SENT_MAX_BYTES = 900 * 1024;

export interface FetchOptions {
  /** `GET` when absent. */
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** At most 900 KB. */
  readonly body?: string | Uint8Array;
  /** For all of it, redirects included: 10 s when absent, at most 60 s. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** Any status is an answer; what throws is that there was none. */
export interface FetchAnswer {
  readonly status: number;
  /** Names in lower case; values of one name joined by a comma. */
  readonly headers: Readonly<Record<string, string>>;
  /** As sent: nothing is asked for compressed, and nothing is unpacked. At most 4 MB. */
  readonly body: Uint8Array;
}

export interface ExecOptions {
  /** What the program reads, at most 900 KB. */
  readonly input?: string | Uint8Array;
  /** 10 s when absent, at most 60 s. Then the program and what it started are killed. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** A program that ran to its end. */
export interface ExecAnswer {
  /** null when a signal ended it. */
  readonly status: number | null;
  /** At most 4 MB. */
  readonly stdout: Uint8Array;
  /** The first 64 KB. */
  readonly stderr: Uint8Array;
}

/** Shown by the desktop and written into the log. */
export interface Notice {
  /** At most 100 characters. */
  readonly title: string;
  /** At most 500 characters. */
  readonly body: string;
}
