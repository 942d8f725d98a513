import type { Labels, MetricType } from "all-use-agent/sdk";
import { ByteReader, ByteWriter } from "./bytes.ts";
import type { CompiledMatcher } from "./matcher.ts";
import { textKey } from "./series-key.ts";

/** Order is the number on disk. */
export const METRIC_TYPES: readonly MetricType[] = ["gauge", "counter", "histogram", "summary", "event", "state"];

/** No count in an index can be larger: 2^24 series in one block. */
const COUNT_MAX = 2 ** 24;

/** Sorted texts, each as the length it shares with the one before, and the rest. */
function writeTexts(out: ByteWriter, texts: readonly string[]): void {
  out.varint(texts.length);
  let before: Uint8Array = new Uint8Array(0);
  for (const text of texts) {
    const bytes = Buffer.from(text, "utf8");
    let shared = 0;
    while (shared < bytes.length && shared < before.length && bytes[shared] === before[shared]) shared++;
    out.varint(shared);
    out.varint(bytes.length - shared);
    out.raw(bytes.subarray(shared));
    before = bytes;
  }
}

function readTexts(input: ByteReader): string[] {
  const count = input.count(COUNT_MAX);
  const texts: string[] = [];
  let before: Buffer = Buffer.alloc(0);
  for (let i = 0; i < count; i++) {
    const shared = input.varint();
    if (shared > before.length) throw new RangeError("a text shares more than the text before it has");
    const bytes = Buffer.concat([before.subarray(0, shared), input.raw(input.varint())]);
    texts.push(bytes.toString("utf8"));
    before = bytes;
  }
  return texts;
}

export interface IndexedSeries {
  readonly name: string;
  readonly labels: Labels;
  readonly type: MetricType;
}

/** Label sets with the same label names, as columns of value numbers; row r is set number `firstSet + r`. */
interface Schema {
  readonly keys: readonly string[];
  readonly columns: readonly Uint32Array[];
  readonly rows: number;
  readonly firstSet: number;
}

/** Sorts so that equal label names, then equal values, stand together. */
function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/**
 * Writes names, label sets and which name has which set. `series` must be ordered by name; their order is the column order
 * of the block and comes back the same.
 */
export function encodeLabelIndex(series: readonly IndexedSeries[]): Uint8Array {
  const out = new ByteWriter(4096);
  const sets = new Map<string, { keys: string[]; values: string[] }>();
  const setKeys: string[] = [];
  for (const one of series) {
    const keys = Object.keys(one.labels).sort(compareTexts);
    const values = keys.map((key) => one.labels[key]);
    const setKey = JSON.stringify([keys, values]);
    setKeys.push(setKey);
    if (!sets.has(setKey)) sets.set(setKey, { keys, values });
  }
  const valuesOf = new Map<string, Set<string>>();
  for (const set of sets.values()) {
    for (let i = 0; i < set.keys.length; i++) {
      let values = valuesOf.get(set.keys[i]);
      if (!values) valuesOf.set(set.keys[i], (values = new Set()));
      values.add(set.values[i]);
    }
  }
  const keys = [...valuesOf.keys()].sort(compareTexts);
  const numberOf = new Map<string, Map<string, number>>();
  writeTexts(out, keys);
  for (const key of keys) {
    const values = [...(valuesOf.get(key) as Set<string>)].sort(compareTexts);
    writeTexts(out, values);
    numberOf.set(key, new Map(values.map((value, number) => [value, number])));
  }
  const schemas = new Map<string, { keys: string[]; rows: { setKey: string; numbers: number[] }[] }>();
  for (const [setKey, set] of sets) {
    const schemaKey = JSON.stringify(set.keys);
    let schema = schemas.get(schemaKey);
    if (!schema) schemas.set(schemaKey, (schema = { keys: set.keys, rows: [] }));
    schema.rows.push({
      setKey,
      numbers: set.keys.map((key, i) => (numberOf.get(key) as Map<string, number>).get(set.values[i]) as number),
    });
  }
  out.varint(schemas.size);
  const setNumber = new Map<string, number>();
  for (const schema of schemas.values()) {
    schema.rows.sort((a, b) => {
      for (let i = 0; i < a.numbers.length; i++) if (a.numbers[i] !== b.numbers[i]) return a.numbers[i] - b.numbers[i];
      return 0;
    });
    out.varint(schema.keys.length);
    for (const key of schema.keys) out.varint(keys.indexOf(key));
    out.varint(schema.rows.length);
    for (let column = 0; column < schema.keys.length; column++) {
      let before = 0;
      for (const row of schema.rows) {
        out.zigzag(row.numbers[column] - before);
        before = row.numbers[column];
      }
    }
    for (const row of schema.rows) setNumber.set(row.setKey, setNumber.size);
  }
  writeNames(
    out,
    series,
    setKeys.map((setKey) => setNumber.get(setKey) as number),
  );
  return out.written().slice();
}

function writeNames(out: ByteWriter, series: readonly IndexedSeries[], setNumbers: readonly number[]): void {
  const names = [...new Set(series.map((one) => one.name))];
  writeTexts(out, names);
  let at = 0;
  for (const name of names) {
    let end = at;
    while (end < series.length && series[end].name === name) end++;
    out.varint(end - at);
    const types = series.slice(at, end).map((one) => METRIC_TYPES.indexOf(one.type));
    const uniform = types.every((type) => type === types[0]);
    out.u8(uniform ? types[0] : 0xff);
    if (!uniform) for (const type of types) out.u8(type);
    let before = -1;
    for (let i = at; i < end; i++) {
      out.zigzag(setNumbers[i] - before - 1);
      before = setNumbers[i];
    }
    at = end;
  }
}

/** A block's label index in memory: finds columns by matchers and tells a column's name and labels. */
export class LabelIndex {
  readonly seriesCount: number;
  /** About what it takes in memory, for the cache's bound. */
  readonly sizeBytes: number;
  private readonly names: string[];
  /** Columns of name i are firstColumn[i] .. firstColumn[i + 1]. */
  private readonly firstColumn: Uint32Array;
  private readonly values: Map<string, string[]>;
  private readonly schemas: Schema[];
  private readonly setOf: Uint32Array;
  private readonly types: Uint8Array;
  private readonly labelsOfSet: (Labels | undefined)[] = [];
  private readonly keys: (string | undefined)[] = [];

  /** Throws RangeError for damaged bytes. */
  constructor(bytes: Uint8Array) {
    const input = new ByteReader(bytes);
    const keys = readTexts(input);
    this.values = new Map(keys.map((key) => [key, readTexts(input)]));
    this.schemas = [];
    let sets = 0;
    for (let left = input.count(COUNT_MAX); left > 0; left--) {
      const schemaKeys: string[] = [];
      for (let n = input.count(keys.length); n > 0; n--) schemaKeys.push(keys[input.count(keys.length - 1)]);
      const rows = input.count(COUNT_MAX);
      const columns = schemaKeys.map((key) => {
        const limit = (this.values.get(key) as string[]).length;
        const column = new Uint32Array(rows);
        let before = 0;
        for (let r = 0; r < rows; r++) {
          before += input.zigzag();
          if (before < 0 || before >= limit) throw new RangeError("a label value number is out of range");
          column[r] = before;
        }
        return column;
      });
      this.schemas.push({ keys: schemaKeys, columns, rows, firstSet: sets });
      sets += rows;
    }
    this.names = readTexts(input);
    this.firstColumn = new Uint32Array(this.names.length + 1);
    const setOf: number[] = [];
    const types: number[] = [];
    for (let i = 0; i < this.names.length; i++) {
      const count = input.count(COUNT_MAX);
      const uniform = input.u8();
      for (let c = 0; c < count; c++) {
        const type = uniform === 0xff ? input.u8() : uniform;
        if (type >= METRIC_TYPES.length) throw new RangeError("an unknown metric type");
        types.push(type);
      }
      let before = -1;
      for (let c = 0; c < count; c++) {
        before += 1 + input.zigzag();
        if (before < 0 || before >= sets) throw new RangeError("a label set number is out of range");
        setOf.push(before);
      }
      this.firstColumn[i + 1] = setOf.length;
    }
    this.setOf = Uint32Array.from(setOf);
    this.types = Uint8Array.from(types);
    this.seriesCount = setOf.length;
    this.sizeBytes = bytes.length * 4 + setOf.length * 200 + sets * 200;
  }

  /** Column numbers of the series that match, ascending. */
  find(matchers: readonly CompiledMatcher[]): number[] {
    const verdicts = this.setVerdicts(matchers.filter((matcher) => matcher.label !== "__name__"));
    const ofName = matchers.filter((matcher) => matcher.label === "__name__");
    const found: number[] = [];
    for (let i = 0; i < this.names.length; i++) {
      if (!ofName.every((matcher) => matcher.test(this.names[i]))) continue;
      for (let column = this.firstColumn[i]; column < this.firstColumn[i + 1]; column++) {
        if (verdicts(this.setOf[column])) found.push(column);
      }
    }
    return found;
  }

  /** Does a label set match? Each label value is asked once a call of `find`. */
  private setVerdicts(matchers: readonly CompiledMatcher[]): (set: number) => boolean {
    if (matchers.length === 0) return () => true;
    const columnsOf = this.schemas.map((schema) => matchers.map((matcher) => schema.keys.indexOf(matcher.label)));
    const known = matchers.map((matcher) => new Int8Array(this.values.get(matcher.label)?.length ?? 0));
    return (set) => {
      const s = this.schemaOf(set);
      const schema = this.schemas[s];
      const row = set - schema.firstSet;
      for (let m = 0; m < matchers.length; m++) {
        const column = columnsOf[s][m];
        if (column < 0) {
          if (!matchers[m].matchesEmpty) return false;
          continue;
        }
        const number = schema.columns[column][row];
        let verdict = known[m][number];
        if (verdict === 0) {
          verdict = matchers[m].test((this.values.get(matchers[m].label) as string[])[number]) ? 1 : -1;
          known[m][number] = verdict;
        }
        if (verdict < 0) return false;
      }
      return true;
    };
  }

  private schemaOf(set: number): number {
    let s = 0;
    while (set >= this.schemas[s].firstSet + this.schemas[s].rows) s++;
    return s;
  }

  series(column: number): IndexedSeries {
    let low = 0;
    let high = this.names.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.firstColumn[middle] <= column) low = middle;
      else high = middle - 1;
    }
    return { name: this.names[low], labels: this.labels(this.setOf[column]), type: METRIC_TYPES[this.types[column]] };
  }

  /** `textKey` of a column's series, kept. */
  key(column: number): string {
    let key = this.keys[column];
    if (key === undefined) {
      const { name, labels } = this.series(column);
      this.keys[column] = key = textKey(name, labels);
    }
    return key;
  }

  private labels(set: number): Labels {
    let labels = this.labelsOfSet[set];
    if (!labels) {
      const schema = this.schemas[this.schemaOf(set)];
      const entries = schema.keys.map((key, i) => [
        key,
        (this.values.get(key) as string[])[schema.columns[i][set - schema.firstSet]],
      ]);
      labels = Object.freeze(Object.fromEntries(entries) as Record<string, string>);
      this.labelsOfSet[set] = labels;
    }
    return labels;
  }
}
