import { AgentError } from "all-use-agent/sdk";
import { DOUBLES, FLOATS } from "./layout.ts";
import type { PanelSnapshot } from "./panel-watch.ts";
import type { SeriesTable } from "./table.ts";

/** Raised whenever the meaning of a number in the layout changes; older snapshots are then not read. */
const VERSION = 1;
const MAGIC = 0x414e4f4d;
const HEAD_BYTES = 16;

interface Head {
  readonly savedMs: number;
  readonly keys: readonly string[];
  readonly kinds: readonly number[];
  readonly panels: Readonly<Record<string, PanelSnapshot>>;
}

/**
 * Bytes: magic, version, length of the JSON, number of series (uint32 each), the JSON padded to 8 bytes, the doubles, the
 * floats. Byte order is the machine's; a snapshot stays on its machine.
 */
export function encode(table: SeriesTable, panels: Record<string, PanelSnapshot>, savedMs: number): Uint8Array {
  const slots: number[] = [];
  for (let slot = 0; slot < table.keys.length; slot++) if (table.keys[slot] !== null) slots.push(slot);
  const head: Head = {
    savedMs,
    keys: slots.map((slot) => table.keys[slot] as string),
    kinds: slots.map((slot) => table.kinds[slot]),
    panels,
  };
  const json = new TextEncoder().encode(JSON.stringify(head));
  const jsonBytes = Math.ceil(json.length / 8) * 8;
  const doublesAt = HEAD_BYTES + jsonBytes;
  const floatsAt = doublesAt + slots.length * DOUBLES * 8;
  const bytes = new Uint8Array(floatsAt + slots.length * FLOATS * 4);
  new Uint32Array(bytes.buffer, 0, 4).set([MAGIC, VERSION, json.length, slots.length]);
  bytes.set(json, HEAD_BYTES);
  const doubles = new Float64Array(bytes.buffer, doublesAt, slots.length * DOUBLES);
  const floats = new Float32Array(bytes.buffer, floatsAt, slots.length * FLOATS);
  for (let i = 0; i < slots.length; i++) {
    const slot = slots[i];
    doubles.set(table.doubles.subarray(slot * DOUBLES, (slot + 1) * DOUBLES), i * DOUBLES);
    floats.set(table.floats.subarray(slot * FLOATS, (slot + 1) * FLOATS), i * FLOATS);
  }
  return bytes;
}

/** Fills an empty table. Returns the panels' state by series key. Throws `snapshot_invalid`, then nothing was filled. */
export function decode(given: Uint8Array, table: SeriesTable): { savedMs: number; panels: Map<string, PanelSnapshot> } {
  const bytes = given.slice();
  const invalid = (what: string): AgentError => new AgentError("snapshot_invalid", `the snapshot ${what}; learning begins anew`);
  if (bytes.length < HEAD_BYTES) throw invalid(`has only ${bytes.length} bytes`);
  const [magic, version, jsonLength, count] = new Uint32Array(bytes.buffer, 0, 4);
  if (magic !== MAGIC || version !== VERSION) throw invalid(`is of version ${version}, expected ${VERSION}`);
  const doublesAt = HEAD_BYTES + Math.ceil(jsonLength / 8) * 8;
  const floatsAt = doublesAt + count * DOUBLES * 8;
  if (bytes.length !== floatsAt + count * FLOATS * 4) throw invalid("does not have the length it says");
  const doubles = new Float64Array(bytes.buffer, doublesAt, count * DOUBLES);
  const floats = new Float32Array(bytes.buffer, floatsAt, count * FLOATS);
  if (!doubles.every(Number.isFinite) || !floats.every(Number.isFinite)) throw invalid("holds numbers that are none");
  const head = JSON.parse(new TextDecoder().decode(bytes.subarray(HEAD_BYTES, HEAD_BYTES + jsonLength))) as Head;
  if (head.keys.length !== count || head.kinds.length !== count) throw invalid("does not name every series");
  for (let i = 0; i < count; i++) {
    const slot = table.claim(head.keys[i], head.kinds[i]);
    if (slot < 0) break;
    table.doubles.set(doubles.subarray(i * DOUBLES, (i + 1) * DOUBLES), slot * DOUBLES);
    table.floats.set(floats.subarray(i * FLOATS, (i + 1) * FLOATS), slot * FLOATS);
  }
  return { savedMs: head.savedMs, panels: new Map(Object.entries(head.panels)) };
}
