/** The two small messages that are answered, as protobuf: nothing else is ever written. */

const VARINT = 0;
const BYTES = 2;

/** ExportMetricsServiceResponse; empty when nothing was rejected. */
export function successMessage(rejected: number, message: string): Uint8Array {
  if (rejected === 0) return new Uint8Array(0);
  const partial = [...field(1, VARINT), ...varint(rejected), ...textField(2, message)];
  return Uint8Array.from([...field(1, BYTES), ...varint(partial.length), ...partial]);
}

/** google.rpc.Status. */
export function errorMessage(code: number, message: string): Uint8Array {
  return Uint8Array.from([...field(1, VARINT), ...varint(code), ...textField(2, message)]);
}

function textField(number: number, text: string): number[] {
  const bytes = new TextEncoder().encode(text.slice(0, 2000));
  return [...field(number, BYTES), ...varint(bytes.length), ...bytes];
}

function field(number: number, wire: number): number[] {
  return varint(number * 8 + wire);
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  return [...bytes, rest];
}
