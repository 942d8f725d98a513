import { ProtobufReader, WIRE } from "all-use-agent/sdk";
import {
  type Buckets,
  BUCKETS_MAX,
  type Data,
  type ExponentialPoint,
  type HistogramPoint,
  type Metric,
  type NumberPoint,
  type Part,
  type Scope,
  type SummaryPoint,
} from "./model.ts";
import { double, each, fixed64, inside, keyValue, nanos, numbers, text, varint } from "./protobuf-values.ts";

/**
 * Walks an ExportMetricsServiceRequest, holding one metric at a time. Field numbers: opentelemetry/proto/metrics/v1/metrics.proto.
 * Throws `protobuf_invalid` with the byte.
 */
export function* protobufParts(body: Uint8Array): Generator<Part, void, void> {
  const reader = new ProtobufReader(body);
  while (reader.next()) {
    if (reader.field !== 1) reader.skip();
    else {
      reader.expect(WIRE.bytes);
      const outer = reader.enter();
      yield* resourceParts(reader);
      reader.leave(outer);
    }
  }
}

function* resourceParts(reader: ProtobufReader): Generator<Part, void, void> {
  // A sender may write the resource after its metrics: it is looked for first.
  const attributes: [string, string][] = [];
  eachOf(reader, 1, () => each(reader, () => (reader.field === 1 ? keyValue(reader, attributes) : reader.skip())));
  yield { part: "resource", attributes };
  while (reader.next()) {
    if (reader.field !== 2) reader.skip();
    else {
      reader.expect(WIRE.bytes);
      const outer = reader.enter();
      yield* scopeParts(reader);
      reader.leave(outer);
    }
  }
  yield { part: "end" };
}

function* scopeParts(reader: ProtobufReader): Generator<Part, void, void> {
  let scope: Scope = { name: "", version: "", attributes: [] };
  eachOf(reader, 1, () => (scope = readScope(reader)));
  yield { part: "scope", scope };
  while (reader.next()) {
    if (reader.field !== 2) reader.skip();
    else {
      reader.expect(WIRE.bytes);
      const outer = reader.enter();
      const metric = readMetric(reader);
      reader.leave(outer);
      yield { part: "metric", metric };
    }
  }
}

/** Reads the fields `field` of the message in hand, and stands at its beginning afterwards. */
function eachOf(reader: ProtobufReader, field: number, read: () => void): void {
  const { at } = reader;
  while (reader.next()) {
    if (reader.field !== field) reader.skip();
    else inside(reader, read);
  }
  reader.at = at;
}

function readScope(reader: ProtobufReader): Scope {
  let name = "";
  let version = "";
  const attributes: [string, string][] = [];
  each(reader, () => {
    if (reader.field === 1) name = text(reader);
    else if (reader.field === 2) version = text(reader);
    else if (reader.field === 3) keyValue(reader, attributes);
    else reader.skip();
  });
  return { name, version, attributes };
}

function readMetric(reader: ProtobufReader): Metric {
  let name = "";
  let description = "";
  let unit = "";
  let data: Data | null = null;
  each(reader, () => {
    switch (reader.field) {
      case 1:
        name = text(reader);
        break;
      case 2:
        description = text(reader);
        break;
      case 3:
        unit = text(reader);
        break;
      case 5:
        data = { kind: "gauge", points: readData(reader, numberPoint).points };
        break;
      case 7:
        data = { kind: "sum", ...readData(reader, numberPoint) };
        break;
      case 9:
        data = { kind: "histogram", ...readData(reader, histogramPoint) };
        break;
      case 10:
        data = { kind: "exponential", ...readData(reader, exponentialPoint) };
        break;
      case 11:
        data = { kind: "summary", points: readData(reader, summaryPoint).points };
        break;
      default:
        reader.skip();
    }
  });
  return { name, description, unit, data };
}

function readData<T>(reader: ProtobufReader, readPoint: (reader: ProtobufReader) => T) {
  const points: T[] = [];
  let temporality = 0;
  let monotonic = false;
  inside(reader, () =>
    each(reader, () => {
      if (reader.field === 1) points.push(inside(reader, () => readPoint(reader)));
      else if (reader.field === 2) temporality = varint(reader);
      else if (reader.field === 3) monotonic = varint(reader) !== 0;
      else reader.skip();
    }),
  );
  return { points, temporality, monotonic };
}

function numberPoint(reader: ProtobufReader): NumberPoint {
  const point = { attributes: [] as [string, string][], startMs: 0, timeMs: 0, flags: 0, value: 0 };
  each(reader, () => {
    switch (reader.field) {
      case 2:
        point.startMs = nanos(reader);
        break;
      case 3:
        point.timeMs = nanos(reader);
        break;
      case 4:
        point.value = double(reader);
        break;
      case 6:
        reader.expect(WIRE.fixed64);
        point.value = reader.sfixed64();
        break;
      case 7:
        keyValue(reader, point.attributes);
        break;
      case 8:
        point.flags = varint(reader);
        break;
      default:
        reader.skip();
    }
  });
  return point;
}

function histogramPoint(reader: ProtobufReader): HistogramPoint {
  const bucketCounts: number[] = [];
  const bounds: number[] = [];
  const attributes: [string, string][] = [];
  const point = { startMs: 0, timeMs: 0, flags: 0, count: 0, sum: undefined as number | undefined };
  each(reader, () => {
    switch (reader.field) {
      case 2:
        point.startMs = nanos(reader);
        break;
      case 3:
        point.timeMs = nanos(reader);
        break;
      case 4:
        point.count = fixed64(reader);
        break;
      case 5:
        point.sum = double(reader);
        break;
      case 6:
        numbers(reader, WIRE.fixed64, () => reader.fixed64(), bucketCounts);
        break;
      case 7:
        numbers(reader, WIRE.fixed64, () => reader.double(), bounds);
        break;
      case 9:
        keyValue(reader, attributes);
        break;
      case 10:
        point.flags = varint(reader);
        break;
      default:
        reader.skip();
    }
  });
  return { ...point, attributes, bucketCounts, bounds };
}

function exponentialPoint(reader: ProtobufReader): ExponentialPoint {
  const attributes: [string, string][] = [];
  const point = { startMs: 0, timeMs: 0, flags: 0, count: 0, sum: undefined as number | undefined };
  const shape = { scale: 0, zeroCount: 0, zeroThreshold: 0 };
  let positive: Buckets = { offset: 0, counts: [] };
  let negative: Buckets = { offset: 0, counts: [] };
  each(reader, () => {
    switch (reader.field) {
      case 1:
        keyValue(reader, attributes);
        break;
      case 2:
        point.startMs = nanos(reader);
        break;
      case 3:
        point.timeMs = nanos(reader);
        break;
      case 4:
        point.count = fixed64(reader);
        break;
      case 5:
        point.sum = double(reader);
        break;
      case 6:
        reader.expect(WIRE.varint);
        shape.scale = reader.zigzag();
        break;
      case 7:
        shape.zeroCount = fixed64(reader);
        break;
      case 8:
        positive = inside(reader, () => readBuckets(reader));
        break;
      case 9:
        negative = inside(reader, () => readBuckets(reader));
        break;
      case 10:
        point.flags = varint(reader);
        break;
      case 14:
        shape.zeroThreshold = double(reader);
        break;
      default:
        reader.skip();
    }
  });
  return { ...point, ...shape, attributes, positive, negative };
}

function readBuckets(reader: ProtobufReader): Buckets {
  let offset = 0;
  const counts: number[] = [];
  each(reader, () => {
    if (reader.field === 1) {
      reader.expect(WIRE.varint);
      offset = reader.zigzag();
    } else if (reader.field === 2) numbers(reader, WIRE.varint, () => reader.varint(), counts);
    else reader.skip();
  });
  return { offset, counts };
}

function summaryPoint(reader: ProtobufReader): SummaryPoint {
  const attributes: [string, string][] = [];
  const quantiles: [number, number][] = [];
  const point = { startMs: 0, timeMs: 0, flags: 0, count: 0, sum: 0 };
  each(reader, () => {
    switch (reader.field) {
      case 2:
        point.startMs = nanos(reader);
        break;
      case 3:
        point.timeMs = nanos(reader);
        break;
      case 4:
        point.count = fixed64(reader);
        break;
      case 5:
        point.sum = double(reader);
        break;
      case 6:
        if (quantiles.length >= BUCKETS_MAX) throw reader.fault(`a summary has more than ${BUCKETS_MAX} quantiles`);
        quantiles.push(inside(reader, () => readQuantile(reader)));
        break;
      case 7:
        keyValue(reader, attributes);
        break;
      case 8:
        point.flags = varint(reader);
        break;
      default:
        reader.skip();
    }
  });
  return { ...point, attributes, quantiles };
}

function readQuantile(reader: ProtobufReader): [number, number] {
  const found: [number, number] = [0, 0];
  each(reader, () => {
    if (reader.field === 1) found[0] = double(reader);
    else if (reader.field === 2) found[1] = double(reader);
    else reader.skip();
  });
  return found;
}
