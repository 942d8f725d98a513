import { createRequire } from "node:module";

const snappy = createRequire(import.meta.url)("snappyjs") as { compress(bytes: Uint8Array): Uint8Array };

export interface WrittenSeries {
  /** Names and values by turns. */
  readonly labels: readonly string[];
  readonly samples: readonly (readonly [timeMs: number, value: number])[];
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  return Buffer.from([...bytes, rest]);
}

function field(number: number, content: Uint8Array | string): Buffer {
  const bytes = Buffer.from(content);
  return Buffer.concat([varint(number * 8 + 2), varint(bytes.length), bytes]);
}

/** The body of a remote write request, 1.0, as a sender would have it. */
export function writeRequest(series: readonly WrittenSeries[]): Uint8Array<ArrayBuffer> {
  const messages = series.map(({ labels, samples }) => {
    const parts: Buffer[] = [];
    for (let i = 0; i < labels.length; i += 2)
      parts.push(field(1, Buffer.concat([field(1, labels[i]), field(2, labels[i + 1])])));
    for (const [timeMs, value] of samples) {
      const double = Buffer.alloc(8);
      double.writeDoubleLE(value);
      parts.push(field(2, Buffer.concat([varint(9), double, varint(16), varint(timeMs)])));
    }
    return field(1, Buffer.concat(parts));
  });
  return new Uint8Array(snappy.compress(Buffer.concat(messages)));
}
