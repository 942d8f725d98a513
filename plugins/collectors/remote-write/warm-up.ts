import type { PluginContext } from "all-use-agent/sdk";
import { Families } from "./families.ts";
import { Receiver, type ReceiverLimits } from "./receiver.ts";

const SERIES = 500;
const TICKS = 10;
/** The longest copy of snappy's block format. */
const COPY_BYTES = 64;

/**
 * Takes a made-up body again and again as real ones would be taken, into nothing: V8 compiles what the first hundred requests would have run
 * uncompiled. Each call takes it once, in some milliseconds at first.
 */
export function warmUp(ctx: Pick<PluginContext, "clock">, limits: ReceiverLimits): () => Promise<void> {
  let series = 0;
  const nowhere = {
    clock: ctx.clock,
    series: () => series++,
    seriesInfo: () => ({ name: "warm_up", labels: {}, type: "gauge", help: "Made up." }),
    emit: () => 0,
    flush: () => Promise.resolve(),
  } as unknown as PluginContext;
  const receiver = new Receiver(nowhere, limits, new Families());
  const body = madeUpBody(ctx.clock.now());
  return async () => {
    await receiver.take(body, 1);
  };
}

/** A write request of 500 series of ten samples each, in snappy's block format: what the series have in common is copied. */
export function madeUpBody(startMs: number): Uint8Array {
  const messages = Array.from({ length: SERIES }, (_, i) => madeUpSeries(i, startMs));
  const plainBytes = messages.reduce((sum, { length }) => sum + length, 0);
  const parts: Buffer[] = [varint(plainBytes), literal(messages[0])];
  for (const message of messages.slice(1)) {
    const copy = Buffer.from([((COPY_BYTES - 1) << 2) | 2, message.length & 0xff, message.length >> 8]);
    parts.push(copy, literal(message.subarray(COPY_BYTES)));
  }
  return Buffer.concat(parts);
}

/** All of one length and, but for the number at the end of their labels, with one beginning. */
function madeUpSeries(i: number, startMs: number): Buffer {
  const parts = [
    label("__name__", "warm_up_of_the_decoder_seconds_total"),
    label("instance", "127.0.0.1:9100"),
    label("number", String(i).padStart(4, "0")),
  ];
  for (let tick = 0; tick < TICKS; tick++) {
    const value = Buffer.alloc(8);
    value.writeDoubleLE(i * tick + 0.5);
    parts.push(field(2, Buffer.concat([varint(9), value, varint(16), varint(startMs + tick * 1000)])));
  }
  return field(1, Buffer.concat(parts));
}

function label(name: string, value: string): Buffer {
  return field(1, Buffer.concat([field(1, Buffer.from(name)), field(2, Buffer.from(value))]));
}

function field(number: number, content: Buffer): Buffer {
  return Buffer.concat([varint(number * 8 + 2), varint(content.length), content]);
}

function literal(bytes: Buffer): Buffer {
  const length = bytes.length - 1;
  return Buffer.concat([Buffer.from([61 << 2, length & 0xff, length >> 8]), bytes]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  return Buffer.from([...bytes, rest]);
}
