import { AgentError } from "all-use-agent/sdk";

/** Buffers up to this size are kept for the next body. */
const KEEP_BYTES = 4 * 1024 * 1024;
/** Copies shorter than this are made byte by byte: a call costs more. */
const CALL_MIN_BYTES = 48;
/** The smallest that an element of so much output can be: a copy of 64 bytes takes three. */
const EXPANSION_MAX = 22;

/**
 * Decompresses snappy's block format, the one of remote write, into one buffer that the next body uses again. Reads and writes
 * nothing out of bounds whatever the input says. Source: github.com/google/snappy, format_description.txt.
 */
export class SnappyDecoder {
  private buffer = Buffer.allocUnsafeSlow(64 * 1024);

  /**
   * The plain bytes: a view that is valid until the next call. Throws `snappy_invalid` with the byte where the input is wrong, and
   * `body_too_large` when it announces more than `limitBytes`, before room for them is made.
   */
  decode(input: Uint8Array, limitBytes: number): Uint8Array {
    let size = 0;
    let at = 0;
    for (let scale = 1; ; scale *= 0x80) {
      if (at >= input.length || at === 5) throw invalid(at, "its size is cut off or no number");
      const byte = input[at++];
      size += (byte & 0x7f) * scale;
      if (byte < 0x80) break;
    }
    if (size > limitBytes) {
      throw new AgentError(
        "body_too_large",
        `The body says that it holds ${size} bytes; at most ${limitBytes} are taken at once: send fewer samples a request.`,
        { where: "body" },
      );
    }
    if (size > input.length * EXPANSION_MAX) throw invalid(0, `${input.length} bytes cannot hold the ${size} that it announces`);
    if (size > this.buffer.length)
      this.buffer = Buffer.allocUnsafeSlow(Math.max(size, Math.min(this.buffer.length * 2, KEEP_BYTES)));
    const written = fill(input, at, this.buffer, size);
    if (written !== size) throw invalid(input.length, `it holds ${written} bytes and announces ${size}`);
    return this.buffer.subarray(0, size);
  }

  /** Gives back what one large body needed. */
  trim(): void {
    if (this.buffer.length > KEEP_BYTES) this.buffer = Buffer.allocUnsafeSlow(64 * 1024);
  }
}

/** Unfolds all elements from `at` on and returns how many bytes they gave, at most `size`. */
function fill(input: Uint8Array, at: number, output: Uint8Array, size: number): number {
  const end = input.length;
  let to = 0;
  while (at < end) {
    const tag = input[at++];
    const kind = tag & 3;
    if (kind === 0) {
      let length = (tag >>> 2) + 1;
      if (length > 60) {
        const bytes = length - 60;
        if (at + bytes > end) throw invalid(at, "a literal's length is cut off");
        length = input[at];
        if (bytes > 1) length |= input[at + 1] << 8;
        if (bytes > 2) length |= input[at + 2] << 16;
        if (bytes > 3) length += input[at + 3] * 0x1000000;
        length++;
        at += bytes;
      }
      if (length > end - at) throw invalid(at, `a literal of ${length} bytes is cut off`);
      if (length > size - to) throw invalid(at, "it holds more than it announces");
      if (length < CALL_MIN_BYTES) for (const stop = to + length; to < stop;) output[to++] = input[at++];
      else {
        output.set(input.subarray(at, at + length), to);
        at += length;
        to += length;
      }
      continue;
    }
    let length: number;
    let offset: number;
    if (kind === 1) {
      if (at + 1 > end) throw invalid(at, "a copy is cut off");
      length = ((tag >>> 2) & 7) + 4;
      offset = ((tag >>> 5) << 8) | input[at];
      at++;
    } else if (kind === 2) {
      if (at + 2 > end) throw invalid(at, "a copy is cut off");
      length = (tag >>> 2) + 1;
      offset = input[at] | (input[at + 1] << 8);
      at += 2;
    } else {
      if (at + 4 > end) throw invalid(at, "a copy is cut off");
      length = (tag >>> 2) + 1;
      offset = (input[at] | (input[at + 1] << 8) | (input[at + 2] << 16)) + input[at + 3] * 0x1000000;
      at += 4;
    }
    if (offset === 0 || offset > to) throw invalid(at, `a copy from ${offset} bytes back, where ${to} are known`);
    if (length > size - to) throw invalid(at, "it holds more than it announces");
    let from = to - offset;
    // A copy may overlap itself and repeats what it has just written: never copyWithin there.
    if (length < CALL_MIN_BYTES || offset < length) for (const stop = to + length; to < stop;) output[to++] = output[from++];
    else {
      output.copyWithin(to, from, from + length);
      to += length;
    }
  }
  return to;
}

function invalid(at: number, what: string): AgentError {
  return new AgentError("snappy_invalid", `The body is no snappy block, at byte ${at}: ${what}.`, { where: `byte ${at}` });
}
