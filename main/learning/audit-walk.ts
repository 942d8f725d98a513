import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { AuditRecord } from "all-use-agent/sdk";
import { auditFiles, readHead } from "./audit-files.ts";
import { decodeRecord, type DecodedRecord, GENESIS_HASH } from "./audit-record.ts";

/** Between two looks at what else there is to do: a millisecond or two of hashing. */
const LINES_AT_A_TIME = 500;

export interface AuditFault {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly reason: string;
}

export interface AuditVerdict {
  readonly intact: boolean;
  readonly records: number;
  readonly firstSeq: number | null;
  readonly lastSeq: number | null;
  readonly lastHash: string | null;
  readonly faults: readonly AuditFault[];
  /** What is no fault and yet to be known. */
  readonly notes: readonly string[];
}

const FAULTS_MAX = 20;

/**
 * Walks the whole chain, oldest record first. `knownHash` is a hash that was kept elsewhere: the record that had it must still
 * be there.
 */
export async function verifyAudit(folder: string, knownHash: string | null = null): Promise<AuditVerdict> {
  const faults: AuditFault[] = [];
  const notes: string[] = [];
  const pruned = new Set<string>();
  let records = 0;
  let first: DecodedRecord | null = null;
  let last: DecodedRecord | null = null;
  let known = knownHash === null;
  let where = { file: "head", line: 1 };
  // Before the records: what is appended meanwhile is then only more than it says.
  const head = await readHead(folder);
  const files = await auditFiles(folder);
  const fault = (reason: string): void => {
    if (faults.length < FAULTS_MAX) faults.push({ ...where, reason });
  };
  for (const file of files) {
    const bytes = await readFile(join(folder, file));
    let line = 0;
    for (let at = 0; at < bytes.length;) {
      const ends = bytes.indexOf(0x0a, at);
      where = { file, line: ++line };
      if (ends < 0) {
        if (file === files.at(-1))
          notes.push(`The last line of ${file} is not finished: the agent was writing it, or was killed.`);
        else fault("the line is not finished, and more files follow");
        break;
      }
      const record = decodeRecord(bytes.subarray(at, ends));
      at = ends + 1;
      if (line % LINES_AT_A_TIME === 0) await new Promise((done) => setImmediate(done));
      if (typeof record === "string") {
        fault(record);
        continue;
      }
      const reason = linkFault(last, record);
      if (reason !== null) fault(reason);
      if (record.action === "audit.pruned") pruned.add(String(record.details["file"]));
      if (record.action === "audit.damaged" || record.action === "audit.lost")
        notes.push(`Record ${record.seq} says ${record.action}: ${JSON.stringify(record.details)}.`);
      known ||= record.hash === knownHash || (record.prev === knownHash && first === null);
      first ??= record;
      last = record;
      records++;
    }
  }
  if (first !== null && first.seq > 1) {
    where = { file: files[0], line: 1 };
    if (pruned.size === 0) fault(`records 1 to ${first.seq - 1} are missing`);
    else notes.push(`Records 1 to ${first.seq - 1} were removed for their age.`);
  } else if (first !== null && first.prev !== GENESIS_HASH) fault("the first record is not the beginning of a chain");
  if (head !== null && head.seq > (last?.seq ?? 0))
    faults.push({ file: "head", line: 1, reason: `records ${(last?.seq ?? 0) + 1} to ${head.seq} are missing at the end` });
  if (head === null && records > 0) faults.push({ file: "head", line: 1, reason: "it is missing or damaged" });
  if (!known)
    faults.push({ file: "head", line: 1, reason: `no record has the hash ${String(knownHash)}, which was kept elsewhere` });
  return {
    intact: faults.length === 0,
    records,
    firstSeq: first?.seq ?? null,
    lastSeq: last?.seq ?? null,
    lastHash: last?.hash ?? null,
    faults,
    notes,
  };
}

/** Why `record` does not follow `before`, or null. */
function linkFault(before: DecodedRecord | null, record: DecodedRecord): string | null {
  if (before === null) return null;
  if (record.seq > before.seq + 1) return `records ${before.seq + 1} to ${record.seq - 1} are missing before it`;
  if (record.seq !== before.seq + 1) return `record ${record.seq} follows record ${before.seq}`;
  return record.prev === before.hash ? null : "it does not follow from the record before";
}

export interface AuditQuery {
  readonly fromMs: number;
  readonly toMs: number;
  readonly limit: number;
  /** Only what it did or what was done to it. */
  readonly plugin?: string;
}

/** Records of a time, newest first, and whether all that was looked at hangs together. */
export async function readAudit(
  folder: string,
  { fromMs, toMs, limit, plugin }: AuditQuery,
): Promise<{ records: AuditRecord[]; intact: boolean }> {
  const found: AuditRecord[] = [];
  let intact = true;
  let after: DecodedRecord | null = null;
  for (const file of (await auditFiles(folder)).reverse()) {
    const bytes = await readFile(join(folder, file));
    let looked = 0;
    let oldestMs = Infinity;
    // Behind the last line feed stands nothing, or what is being written.
    for (let ends = bytes.lastIndexOf(0x0a); ends >= 0 && found.length < limit;) {
      const begins = ends === 0 ? 0 : bytes.lastIndexOf(0x0a, ends - 1) + 1;
      const record = decodeRecord(bytes.subarray(begins, ends));
      ends = begins - 1;
      if (++looked % LINES_AT_A_TIME === 0) await new Promise((done) => setImmediate(done));
      if (typeof record === "string") {
        intact = false;
        continue;
      }
      if (after !== null && linkFault(record, after) !== null) intact = false;
      after = record;
      oldestMs = record.timeMs;
      if (record.timeMs < fromMs || record.timeMs > toMs) continue;
      if (plugin !== undefined && record.actor !== plugin && record.target !== plugin) continue;
      const { prev: _prev, ...shown } = record;
      found.push(shown);
    }
    if (found.length >= limit || oldestMs < fromMs) break;
  }
  return { records: found, intact };
}
