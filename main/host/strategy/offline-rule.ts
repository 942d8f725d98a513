import { AgentError, errorText } from "all-use-agent/sdk";

/** With the network there, so many requests in a row must find nobody before it counts as away. */
const FAILURES_MAX = 3;
/** A way that is away is tried so often. */
export const OFFLINE_PROBE_MS = 60_000;

/** How systems, resolvers and programs say that no way leads there; a refused connection is an answer. */
const NO_WAY =
  /\b(E(NET|HOST)(UNREACH|DOWN)|ENETRESET|ENONET|ENOTFOUND|EAI_AGAIN|EAI_NODATA|EAI_NONAME|ETIMEDOUT)\b|network is (unreachable|down)|no route to host|name resolution|name or service not known|could not resolve/i;
/** Neither here nor there: nobody answered in time, whyever. */
const UNCLEAR = new Set(["timeout", "collect_timeout", "aborted"]);
const CAUSES_MAX = 5;

/** What an error says of the network: it is away, it is there, or nothing. */
export function networkVerdict(error: unknown): "away" | "there" | "unclear" {
  let here: unknown = error;
  for (let i = 0; i < CAUSES_MAX && here !== undefined && here !== null; i++) {
    const { code, cause } = here as { code?: unknown; cause?: unknown };
    if (NO_WAY.test(`${typeof code === "string" ? code : ""} ${errorText(here)}`)) return "away";
    here = cause;
  }
  return error instanceof AgentError && UNCLEAR.has(error.code) ? "unclear" : "there";
}

/**
 * Whether a collector's network is away, and when it is tried again. `required`: away as soon as the machine has no way out;
 * otherwise a request must have failed first, since what it asks may be this machine itself. Times are monotonic milliseconds.
 */
export class OfflineRule {
  away = false;
  private readonly required: boolean;
  private failures = 0;
  private probeAtMs = 0;

  constructor(required: boolean) {
    this.required = required;
  }

  /** Before a reading: whether it is to be left out. `up`: the machine has a way out. */
  leaveOut(nowMs: number, up: boolean): boolean {
    if (!this.away && this.required && !up) this.leave(nowMs);
    return this.away && nowMs < this.probeAtMs;
  }

  /** A reading failed. */
  failed(nowMs: number, verdict: ReturnType<typeof networkVerdict>, up: boolean): void {
    if (verdict === "there") this.reached();
    else if (verdict === "away" && (++this.failures >= FAILURES_MAX || !up)) this.leave(nowMs);
    else if (this.away) this.leave(nowMs);
  }

  /** Somebody answered. */
  reached(): void {
    this.away = false;
    this.failures = 0;
  }

  /** The machine's ways out are others than before: the next reading is a probe. */
  changed(): void {
    this.probeAtMs = -Infinity;
  }

  private leave(nowMs: number): void {
    this.away = true;
    this.probeAtMs = nowMs + OFFLINE_PROBE_MS;
  }
}
