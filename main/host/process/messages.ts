import {
  AgentError,
  type Batch,
  type CollectionOptions,
  errorText,
  type Manifest,
  PermanentError,
  RetryableError,
  type SeriesInfo,
  type Topics,
} from "all-use-agent/sdk";

/** What the agent says to a plugin's process. */
export type ToChild = { readonly nowMs: number } & (
  | { readonly t: "call"; readonly id: number; readonly method: string; readonly args: readonly unknown[] }
  | { readonly t: "abort"; readonly id: number }
  | { readonly t: "answer"; readonly id: number; readonly value?: unknown; readonly error?: ErrorParts }
  | { readonly t: "event"; readonly topic: keyof Topics; readonly event: unknown }
  | { readonly t: "define"; readonly id: number; readonly info: SeriesInfo }
  | { readonly t: "observe"; readonly batch: Batch }
  /** Number 0 wants no answer: what does not say "mutates" only looks. */
  | { readonly t: "process"; readonly seq: number; readonly batch: Batch }
  | { readonly t: "ping" }
);

export type ToChildBody = ToChild extends infer One ? (One extends ToChild ? Omit<One, "nowMs"> : never) : never;

export interface StartOrder {
  readonly folder: string;
  readonly manifest: Manifest;
  /** `default`, or its name. */
  readonly instance: string;
  readonly config: Record<string, unknown>;
  readonly snapshot: Uint8Array | null;
  /** Path below the folder → JavaScript that stands for the TypeScript there. */
  readonly javascript: Readonly<Record<string, string>>;
  /** The clock stands still between the agent's messages. */
  readonly simulated: boolean;
  /** It may read metrics, and has a pipe to ask for the latest ones. */
  readonly latest: boolean;
}

/** Configurations of an earlier version, for the plugin's `migrate`. */
export interface MigrationOrder {
  readonly folder: string;
  readonly manifest: Manifest;
  readonly configs: readonly Record<string, unknown>[];
  readonly fromVersion: number;
}

/** What a plugin looks at when it advises, as far as it travels; the rest are questions back. */
export interface AdviceParts {
  readonly nowMs: number;
  readonly findings: readonly unknown[];
}

/** One use of a document store's collection. */
export interface DocumentsOrder {
  readonly what: "get" | "find" | "count" | "remove" | "put";
  readonly collection: string;
  readonly options: CollectionOptions;
  readonly argument: unknown;
}

export interface RequestParts {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

export interface ErrorParts {
  readonly code: string;
  readonly message: string;
}

const MESSAGE_MAX_CHARACTERS = 2000;

export function errorParts(error: unknown): ErrorParts {
  const code = error instanceof AgentError ? error.code : "failed";
  return { code, message: errorText(error).slice(0, MESSAGE_MAX_CHARACTERS) };
}

/** The error that the other side threw. Anything else than text is left out: the other side may be a liar. */
export function errorFrom(parts: unknown): AgentError {
  const { code, message } = (parts ?? {}) as { code?: unknown; message?: unknown };
  const text = typeof message === "string" ? message.slice(0, MESSAGE_MAX_CHARACTERS) : "an error without a text";
  if (code === "permanent") return new PermanentError(text);
  if (code === "retryable") return new RetryableError(text);
  return new AgentError(typeof code === "string" && /^[a-z][a-z0-9_]{0,63}$/.test(code) ? code : "failed", text);
}
