import type { FileHandle } from "node:fs/promises";
import { Readable } from "node:stream";
import { createGunzip } from "node:zlib";

const READ_BYTES = 256 * 1024;
/** What is handed on at once: some five hundred rows, less than a millisecond of work. */
export const PIECE_BYTES = 16 * 1024;

/** The content from `offset` on in pieces, one byte a character. The file stays open. */
export async function* piecesOf(handle: FileHandle, gzip: boolean, offset: number): AsyncGenerator<string> {
  if (gzip) yield* unpacked(handle, offset);
  else for await (const bytes of bytesOf(handle, offset)) yield* cut(bytes);
}

/** What is handed on is read over when the next is asked for. */
async function* bytesOf(handle: FileHandle, offset: number): AsyncGenerator<Buffer> {
  const buffer = Buffer.allocUnsafe(READ_BYTES);
  for (let at = offset; ;) {
    const { bytesRead } = await handle.read(buffer, 0, READ_BYTES, at);
    if (bytesRead === 0) return;
    at += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

/** Compressed content cannot be entered in the middle: what was read before is unpacked once more and left out. */
async function* unpacked(handle: FileHandle, offset: number): AsyncGenerator<string> {
  const gunzip = createGunzip({ chunkSize: PIECE_BYTES * 2 });
  const source = Readable.from(copies(bytesOf(handle, 0)), { highWaterMark: 1 });
  source.on("error", (error) => gunzip.destroy(error));
  let left = offset;
  try {
    for await (const chunk of source.pipe(gunzip) as AsyncIterable<Buffer>) {
      const skipped = Math.min(left, chunk.length);
      left -= skipped;
      yield* cut(chunk.subarray(skipped));
    }
  } finally {
    source.destroy();
    gunzip.destroy();
  }
}

async function* copies(pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  for await (const piece of pieces) yield Buffer.from(piece);
}

function* cut(bytes: Buffer): Generator<string> {
  for (let at = 0; at < bytes.length; at += PIECE_BYTES)
    yield bytes.toString("latin1", at, Math.min(at + PIECE_BYTES, bytes.length));
}
