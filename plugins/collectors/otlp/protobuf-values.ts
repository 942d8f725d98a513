import { type ProtobufReader, WIRE } from "all-use-agent/sdk";
import { BUCKETS_MAX, DEPTH_MAX } from "./model.ts";

/** Goes into the message that the field in hand holds, for as long as `read` takes. */
export function inside<T>(reader: ProtobufReader, read: () => T): T {
  reader.expect(WIRE.bytes);
  const outer = reader.enter();
  const found = read();
  reader.leave(outer);
  return found;
}

/** Calls `read` at every field of the message in hand; it reads or skips. */
export function each(reader: ProtobufReader, read: () => void): void {
  while (reader.next()) read();
}

/** Reads a KeyValue into the list. */
export function keyValue(reader: ProtobufReader, into: [string, string][]): void {
  let key = "";
  let value = "";
  inside(reader, () =>
    each(reader, () => {
      if (reader.field === 1) key = text(reader);
      else if (reader.field === 2) value = asText(inside(reader, () => anyValue(reader, 0)));
      else reader.skip();
    }),
  );
  into.push([key, value]);
}

/** An AnyValue as JSON has it. */
function anyValue(reader: ProtobufReader, depth: number): unknown {
  if (depth > DEPTH_MAX) throw reader.fault(`values stand more than ${DEPTH_MAX} deep in each other`);
  let value: unknown = "";
  each(reader, () => {
    switch (reader.field) {
      case 1:
        value = text(reader);
        break;
      case 2:
        value = varint(reader) !== 0;
        break;
      case 3:
        reader.expect(WIRE.varint);
        value = reader.int64();
        break;
      case 4:
        value = double(reader);
        break;
      case 5:
        value = inside(reader, () => arrayOf(reader, depth));
        break;
      case 6:
        value = inside(reader, () => recordOf(reader, depth));
        break;
      case 7:
        reader.expect(WIRE.bytes);
        value = Buffer.from(reader.raw()).toString("base64");
        break;
      default:
        reader.skip();
    }
  });
  return value;
}

function arrayOf(reader: ProtobufReader, depth: number): unknown[] {
  const items: unknown[] = [];
  each(reader, () => (reader.field === 1 ? void items.push(inside(reader, () => anyValue(reader, depth + 1))) : reader.skip()));
  return items;
}

function recordOf(reader: ProtobufReader, depth: number): Record<string, unknown> {
  const entries: [string, unknown][] = [];
  each(reader, () => {
    if (reader.field !== 1) return reader.skip();
    let key = "";
    let value: unknown = "";
    inside(reader, () =>
      each(reader, () => {
        if (reader.field === 1) key = text(reader);
        else if (reader.field === 2) value = inside(reader, () => anyValue(reader, depth + 1));
        else reader.skip();
      }),
    );
    entries.push([key, value]);
  });
  return Object.fromEntries(entries);
}

/** A value as a label has it: lists and maps as JSON. */
export function asText(value: unknown): string {
  if (typeof value === "string") return value;
  return typeof value === "object" && value !== null ? JSON.stringify(value) : String(value);
}

export function text(reader: ProtobufReader): string {
  reader.expect(WIRE.bytes);
  return reader.text();
}

export function varint(reader: ProtobufReader): number {
  reader.expect(WIRE.varint);
  return reader.varint();
}

export function double(reader: ProtobufReader): number {
  reader.expect(WIRE.fixed64);
  return reader.double();
}

export function fixed64(reader: ProtobufReader): number {
  reader.expect(WIRE.fixed64);
  return reader.fixed64();
}

export function nanos(reader: ProtobufReader): number {
  reader.expect(WIRE.fixed64);
  return reader.fixed64NanosAsMs();
}

/** A repeated number, packed or not. */
export function numbers(reader: ProtobufReader, wire: number, read: () => number, into: number[]): void {
  if (reader.wire !== WIRE.bytes) {
    reader.expect(wire);
    into.push(read());
  } else
    inside(reader, () => {
      while (reader.at < reader.end && into.length <= BUCKETS_MAX) into.push(read());
    });
  if (into.length > BUCKETS_MAX) throw reader.fault(`a histogram has more than ${BUCKETS_MAX} buckets`);
}
