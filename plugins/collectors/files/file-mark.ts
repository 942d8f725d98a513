import { createHash } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import type { FoundFile } from "./glob.ts";

/** How far one file was read. */
export interface FileMark {
  readonly path: string;
  /** Device and inode. */
  readonly key: string;
  readonly sizeBytes: number;
  readonly mtimeMs: number;
  /** Bytes of content that are done with: of a compressed file, of what it holds. */
  readonly offset: number;
  /** Lines before the offset. */
  readonly lines: number;
  /** Bytes of the file that the prints below are of the beginning and end of. */
  readonly printed: number;
  readonly head: string;
  readonly tail: string;
  /** Nothing was left over at the end. */
  readonly done: boolean;
}

/** Of a file's beginning, and of what stands before the offset. */
const PRINT_BYTES = 1024;
/** Files that are remembered; beyond it those go that were not found for longest. */
export const FILES_MAX = 5000;

/** The marks of a source's files, by inode and by path. */
export class FileMarks {
  private marks: FileMark[] = [];

  constructor(kept: unknown) {
    const files = (kept as { files?: unknown } | null)?.files;
    if (Array.isArray(files)) this.marks = (files as FileMark[]).filter((mark) => typeof mark?.path === "string");
  }

  /**
   * The mark of the same file, or of one that stood at its path and is nowhere now: files are renamed, and written anew. `found`
   * has the keys of all that are there.
   */
  of(file: FoundFile, found: ReadonlySet<string>): FileMark | null {
    const same = this.marks.find(({ key }) => key === file.key);
    return same ?? this.marks.find(({ path, key }) => path === file.path && !found.has(key)) ?? null;
  }

  set(mark: FileMark, before: FileMark | null): void {
    this.marks = this.marks.filter((one) => one !== before && one.key !== mark.key);
    this.marks.push(mark);
    if (this.marks.length > FILES_MAX) this.marks.shift();
  }

  kept(): { files: readonly FileMark[] } {
    return { files: this.marks };
  }
}

/** Prints of what was read, to know a file again by. */
export async function printsOf(handle: FileHandle, printed: number): Promise<{ head: string; tail: string }> {
  const head = await print(handle, 0, Math.min(PRINT_BYTES, printed));
  const tail = await print(handle, Math.max(0, printed - PRINT_BYTES), printed);
  return { head, tail };
}

/** Whether the file still begins with everything that the mark covers. */
export async function continues(handle: FileHandle, sizeBytes: number, mark: FileMark): Promise<boolean> {
  if (sizeBytes < mark.printed) return false;
  const { head, tail } = await printsOf(handle, mark.printed);
  return head === mark.head && tail === mark.tail;
}

async function print(handle: FileHandle, from: number, to: number): Promise<string> {
  const buffer = Buffer.alloc(to - from);
  let filled = 0;
  while (filled < buffer.length) {
    const { bytesRead } = await handle.read(buffer, filled, buffer.length - filled, from + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return createHash("sha256").update(buffer.subarray(0, filled)).digest("base64").slice(0, 22);
}
