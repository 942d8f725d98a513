import type { PrivateStore } from "../context.ts";
import { AgentError } from "../errors.ts";

/** What a source knows over a restart. */
export interface SourceState {
  readonly v: 1;
  /** What the mark belongs to. */
  identity: string;
  /** Everything that the schedule named until then is served, Unix ms. */
  servedMs: number;
  /** The instant whose run has begun and not ended. */
  pendingMs: number | null;
  /** How far the source was read; null at the beginning. */
  mark: unknown;
  newestMs: number | null;
  lastSuccessMs: number | null;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export function stateName(source: string): string {
  return `source.${source}`;
}

/** The state that is kept, or null: of nothing, and of what cannot be read. */
export async function readState(store: PrivateStore, source: string): Promise<SourceState | null> {
  const bytes = await store.read(stateName(source));
  if (bytes === null) return null;
  try {
    const state = JSON.parse(decoder.decode(bytes)) as Partial<SourceState> | null;
    if (state?.v !== 1 || typeof state.servedMs !== "number" || !Number.isFinite(state.servedMs)) return null;
    return {
      v: 1,
      identity: typeof state.identity === "string" ? state.identity : "",
      servedMs: state.servedMs,
      pendingMs: typeof state.pendingMs === "number" ? state.pendingMs : null,
      mark: state.mark ?? null,
      newestMs: typeof state.newestMs === "number" ? state.newestMs : null,
      lastSuccessMs: typeof state.lastSuccessMs === "number" ? state.lastSuccessMs : null,
    };
  } catch {
    return null;
  }
}

export async function writeState(store: PrivateStore, source: string, state: SourceState): Promise<void> {
  await store.write(stateName(source), encoder.encode(JSON.stringify(state)));
}

const LEASE = "lease";
/** Tokens of those who hold a lease in this process. */
const holders = new Set<string>();

/**
 * Marks are for one to move: while another instance of the plugin works with the same store, `batch_locked` is thrown, which
 * makes the agent stop that one first. A holder that was killed holds nothing. Returns how to give the lease back.
 */
export async function takeLease(store: PrivateStore, token: string): Promise<() => void> {
  const held = await store.read(LEASE);
  if (held !== null && holders.has(decoder.decode(held)))
    throw new AgentError("batch_locked", "how far the sources were read is locked by the instance that still runs");
  holders.add(token);
  try {
    await store.write(LEASE, encoder.encode(token));
  } catch (error) {
    holders.delete(token);
    throw error;
  }
  return () => void holders.delete(token);
}
