import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { ChainEnd } from "./audit-record.ts";

const NAME = /^(\d{6})\.jsonl$/;
/** Ten digits more than any agent will need, then the hash: the head is rewritten in place and never changes its length. */
const SEQ_DIGITS = 16;
const HEAD = /^(\d{16}) ([0-9a-f]{64})\n$/;

/** Names of the log's files, oldest first. */
export async function auditFiles(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).filter((name) => NAME.test(name)).sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

export function auditFileName(number: number): string {
  return `${String(number).padStart(6, "0")}.jsonl`;
}

export function auditFileNumber(name: string): number {
  return Number(NAME.exec(name)?.[1] ?? 0);
}

export function encodeHead({ seq, hash }: ChainEnd): Buffer {
  return Buffer.from(`${String(seq).padStart(SEQ_DIGITS, "0")} ${hash}\n`, "latin1");
}

/** The chain's end as it was last written down; null where there is none, or none that can be read. */
export async function readHead(folder: string): Promise<ChainEnd | null> {
  const text = await readFile(join(folder, "head"), "latin1").catch(() => "");
  const match = HEAD.exec(text);
  return match ? { seq: Number(match[1]), hash: match[2] } : null;
}
