import { createHash } from "node:crypto";
import type { AuditRecord } from "all-use-agent/sdk";

/** Before the first record. */
export const GENESIS_HASH = "0".repeat(64);
/** `,"hash":"`, 64 hexadecimal digits, `"}`: what stands behind the hashed bytes of every line. */
const TAIL_BYTES = 75;
const TAIL = /^,"hash":"([0-9a-f]{64})"\}$/;
const TEXT_MAX_CHARACTERS = 1000;
const DETAILS_MAX = 20;

export type AuditDetails = AuditRecord["details"];

export interface AuditEntry {
  readonly timeMs: number;
  readonly actor: string;
  readonly action: string;
  readonly target: string;
  readonly details: AuditDetails;
}

/** A record's place in the chain. */
export interface ChainEnd {
  readonly seq: number;
  readonly hash: string;
}

/** One line, its line feed included, and the chain's new end. Layout: docs/format/audit.md. */
export function encodeRecord(before: ChainEnd, entry: AuditEntry): { line: string; end: ChainEnd } {
  const seq = before.seq + 1;
  const details: Record<string, string | number | boolean | null> = {};
  for (const [name, value] of Object.entries(entry.details).slice(0, DETAILS_MAX))
    details[short(name)] = typeof value === "string" ? short(value) : value;
  const content = JSON.stringify({
    seq,
    time_ms: entry.timeMs,
    actor: short(entry.actor),
    action: short(entry.action),
    target: short(entry.target),
    details,
    prev: before.hash,
  });
  // Without its closing brace, which comes behind the hash.
  const hashed = content.slice(0, -1);
  const hash = createHash("sha256").update(hashed).digest("hex");
  return { line: `${hashed},"hash":"${hash}"}\n`, end: { seq, hash } };
}

export interface DecodedRecord extends AuditRecord {
  /** Hash of the record before. */
  readonly prev: string;
}

/** The record of one line without its line feed, or a sentence on why it is none. */
export function decodeRecord(line: Buffer): DecodedRecord | string {
  const tail = TAIL.exec(line.toString("latin1", Math.max(0, line.length - TAIL_BYTES)));
  if (tail === null) return "it does not end with a hash";
  const hash = createHash("sha256")
    .update(line.subarray(0, line.length - TAIL_BYTES))
    .digest("hex");
  if (hash !== tail[1]) return "its content does not fit its hash";
  try {
    const { seq, time_ms, actor, action, target, details, prev } = JSON.parse(line.toString("utf8")) as Record<string, never>;
    if (!Number.isSafeInteger(seq) || typeof time_ms !== "number" || typeof prev !== "string") return "it is no record";
    return { seq, timeMs: time_ms, actor, action, target, details, prev, hash };
  } catch {
    return "it is not JSON";
  }
}

function short(text: string): string {
  return text.slice(0, TEXT_MAX_CHARACTERS);
}
