/**
 * What happens at a stage's door when more comes than it takes: `latest` leaves only the newest sample of each series, `drop_oldest`
 * lets wait what fits and drops the oldest of it, `block` takes what fits, refuses the rest and says so to whoever asks whether
 * its samples are safe.
 */
export type EdgePolicy = "latest" | "drop_oldest" | "block";

export interface EdgeBounds {
  readonly policy: EdgePolicy;
  readonly rows: number;
  readonly bytes: number;
}

/** What a plugin's manifest says of its edge. */
export interface EdgeWish {
  readonly policy?: EdgePolicy | undefined;
  readonly rows?: number | undefined;
  readonly bytes?: number | undefined;
}

/** An edge as it is now. */
export interface EdgeReport {
  readonly edge: "storage" | "analytics" | "export";
  readonly plugin: string;
  readonly policy: EdgePolicy;
  /** Waiting. */
  readonly rows: number;
  readonly bytes: number;
  /** Rows that were dropped or refused since the start. */
  readonly dropped: number;
}

/** Two minutes of 1,000 samples a second: what a short outage of a receiver may cost in memory. */
export const EXPORT_EDGE: EdgeBounds = { policy: "drop_oldest", rows: 120_000, bytes: 4 * 1024 * 1024 };
/** Newest samples of as many series as a large machine has. */
export const ANALYTICS_EDGE: EdgeBounds = { policy: "latest", rows: 50_000, bytes: 2 * 1024 * 1024 };

/** A row's columns, and what a batch costs beside its rows. */
const ROW_BYTES = 20;
const BATCH_BYTES = 400;

/** Whoever asks within this time of a refusal is told: his samples may be among those refused. */
export const REFUSAL_TOLD_MS = 10_000;

export function edgeBounds(standard: EdgeBounds, wish: EdgeWish = {}): EdgeBounds {
  return { policy: wish.policy ?? standard.policy, rows: wish.rows ?? standard.rows, bytes: wish.bytes ?? standard.bytes };
}

export function bytesOf(rows: number): number {
  return BATCH_BYTES + rows * ROW_BYTES;
}

/** How many rows of one batch fit. */
export function rowsIn(bytes: number): number {
  return Math.max(1, Math.floor((bytes - BATCH_BYTES) / ROW_BYTES));
}
