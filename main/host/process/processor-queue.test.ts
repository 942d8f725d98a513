import { AgentError, type Batch } from "all-use-agent/sdk";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { encodeProcessed } from "./frames.ts";
import { OWN_SERIES, ProcessedCheck } from "./processed.ts";
import { PROCESSED_WITHIN_MS, ProcessorQueue } from "./processor-queue.ts";

const HEADER_BYTES = 5;
const LATEST_MS = 1e6;

let passed: number[];
let sent: Map<number, Batch>;
let skipped: number;
let faults: string[];
let late: (string | null)[];
let stuck: AgentError[];
let reads: boolean;
let queue: ProcessorQueue;

beforeEach(() => {
  vi.useFakeTimers();
  passed = [];
  sent = new Map();
  skipped = 0;
  faults = [];
  late = [];
  stuck = [];
  reads = true;
  const check = new ProcessedCheck((local) => (local === 1 ? 77 : undefined));
  queue = new ProcessorQueue({
    withdraw: (batch) => {
      const rows = rowsOf(...batch.values.subarray(0, batch.length));
      batch.length = 0;
      return rows.length > 0 ? rows : null;
    },
    send: (seq, rows) => reads && sent.set(seq, rows) instanceof Map,
    check: (before, answer) => check.check(before, answer, LATEST_MS),
    processed: () => {},
    skipped: () => void skipped++,
    late: (reason) => void late.push(reason),
    fault: (error) => void faults.push((error as AgentError).code),
    stuck: (error) => void stuck.push(error),
  });
  queue.onward = (rows) => void passed.push(...rows.values.subarray(0, rows.length));
});

afterEach(() => vi.useRealTimers());

/** Row i has the series i. */
function rowsOf(...values: number[]): Batch {
  return {
    length: values.length,
    series: Uint32Array.from(values, (_, i) => i),
    timestamps: new Float64Array(values.length).fill(1000),
    values: Float64Array.from(values),
  };
}

function answer(seq: number, rows: Batch): void {
  queue.answered(encodeProcessed(seq, rows).subarray(HEADER_BYTES));
}

describe("the queue to a processor in its process", () => {
  it("hands batches on in order, as they were answered", async () => {
    queue.take(rowsOf(1, 2));
    queue.take(rowsOf(3));
    const settled = queue.settled();
    answer(2, rowsOf(30));
    expect(passed).toEqual([]);
    expect(queue.waiting).toBe(true);
    answer(1, rowsOf(10));
    await settled;
    expect(passed).toEqual([10, 30]);
    expect([queue.waiting, skipped]).toEqual([false, 0]);
  });

  it("lets a batch go on as it was after its deadline, and takes no late answer", () => {
    queue.take(rowsOf(1));
    vi.advanceTimersByTime(PROCESSED_WITHIN_MS / 2);
    queue.take(rowsOf(2));
    vi.advanceTimersByTime(PROCESSED_WITHIN_MS / 2 + 1);
    expect(passed).toEqual([1]);
    expect(late).toHaveLength(1);
    answer(1, rowsOf(10));
    answer(2, rowsOf(20));
    expect(passed).toEqual([1, 20]);
    expect(skipped).toBe(1);
  });

  it("says when it is well again, and has a process ended that is late all the time", () => {
    queue.take(rowsOf(1));
    vi.advanceTimersByTime(300);
    vi.advanceTimersByTime(6000);
    queue.take(rowsOf(2));
    answer(2, rowsOf(2));
    expect(late.at(-1)).toBe(null);
    for (let i = 0; i < 10; i++) {
      queue.take(rowsOf(i));
      vi.advanceTimersByTime(300);
    }
    expect(stuck[0]).toMatchObject({ code: "processor_late" });
  });

  it("hands everything on, in order, when the process ends, and takes nothing more", async () => {
    queue.take(rowsOf(1));
    queue.take(rowsOf(2));
    answer(2, rowsOf(20));
    const settled = queue.settled();
    queue.end();
    await settled;
    expect(passed).toEqual([1, 20]);
    const batch = rowsOf(3);
    queue.take(batch);
    expect(batch.length).toBe(1);
  });

  it("keeps the order while it closes: those behind the last wait for it unprocessed", async () => {
    queue.take(rowsOf(1));
    const closed = queue.close();
    queue.take(rowsOf(2));
    expect(sent.size).toBe(1);
    expect(passed).toEqual([]);
    answer(1, rowsOf(10));
    await closed;
    expect(passed).toEqual([10, 2]);
  });

  it("holds a bounded number of samples: the oldest go on unprocessed, none is lost", () => {
    const total = 130_000;
    for (let from = 0; from < total; from += 1000) queue.take(rowsOf(...Array.from({ length: 1000 }, (_, i) => from + i)));
    expect(passed).toHaveLength(30_000);
    expect(passed[29_999]).toBe(29_999);
    queue.end();
    expect(passed).toHaveLength(total);
    expect(passed.every((value, i) => value === i)).toBe(true);
  });

  it("sends large batches in pieces and nothing to a process that does not read", () => {
    queue.take(rowsOf(...new Float64Array(50_000)));
    expect([...sent.values()].map(({ length }) => length)).toEqual([20_000, 20_000, 10_000]);
    reads = false;
    queue.take(rowsOf(1));
    expect(sent.size).toBe(3);
    queue.end();
    expect(passed).toHaveLength(50_001);
  });

  it("loses nothing and keeps the order, whatever is answered, late, refused or ended, and when", () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant("take" as const), rows: fc.integer({ min: 1, max: 3 }) }),
      fc.record({ do: fc.constant("answer" as const), pick: fc.nat() }),
      fc.record({ do: fc.constant("fail" as const), pick: fc.nat() }),
      fc.record({ do: fc.constant("wait" as const), ms: fc.integer({ min: 1, max: 300 }) }),
      fc.record({ do: fc.constant("close" as const) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const check = new ProcessedCheck(() => undefined);
        const asked = new Map<number, Batch>();
        const out: number[] = [];
        let next = 0;
        const tried = new ProcessorQueue({
          withdraw: (batch) => {
            const rows = rowsOf(...batch.values.subarray(0, batch.length));
            batch.length = 0;
            return rows;
          },
          send: (seq, rows) => asked.set(seq, rows) instanceof Map,
          check: (before, answered) => check.check(before, answered, LATEST_MS),
          processed: () => {},
          skipped: () => {},
          late: () => {},
          fault: () => {},
          stuck: () => {},
        });
        tried.onward = ({ length, values }) => void out.push(...values.subarray(0, length));
        for (const one of steps) {
          const seqs = [...asked.keys()];
          const seq = "pick" in one && seqs.length > 0 ? seqs[one.pick % seqs.length] : 0;
          if (one.do === "take") {
            const batch = rowsOf(...Array.from({ length: one.rows }, () => next++));
            tried.take(batch);
            // What it leaves goes on at once.
            out.push(...batch.values.subarray(0, batch.length));
          } else if (one.do === "answer" && seq > 0) tried.answered(encodeProcessed(seq, asked.get(seq)!).subarray(HEADER_BYTES));
          else if (one.do === "fail" && seq > 0) tried.failed(seq, new Error("no"));
          else if (one.do === "wait") vi.advanceTimersByTime(one.ms);
          else if (one.do === "close") void tried.close();
          if (seq > 0) asked.delete(seq);
        }
        tried.end();
        expect(out).toEqual(Array.from({ length: next }, (_, i) => i));
      }),
      { numRuns: 300 },
    );
  });

  it("takes what the batch held or its own series in place of it, and nothing else", () => {
    const own = rowsOf(1);
    own.series[0] = OWN_SERIES + 1;
    const seen: number[] = [];
    queue.onward = (rows) => void (passed.push(rows.values[0]), seen.push(rows.series[0]));
    queue.take(rowsOf(7));
    answer(1, own);
    expect([passed, seen]).toEqual([[1], [77]]);
    const wrong = (change: (rows: Batch) => void): Batch => {
      const rows = rowsOf(-1);
      change(rows);
      return rows;
    };
    const answers = [
      wrong((rows) => (rows.series[0] = 5)),
      wrong((rows) => (rows.series[0] = OWN_SERIES + 9)),
      wrong((rows) => (rows.timestamps[0] = Number.NaN)),
      wrong((rows) => (rows.timestamps[0] = LATEST_MS + 1)),
      rowsOf(-1, -2),
    ];
    for (const rows of answers) {
      queue.take(rowsOf(3));
      answer(Math.max(...sent.keys()), rows);
    }
    queue.take(rowsOf(4));
    queue.failed(Math.max(...sent.keys()), new AgentError("failed", "it threw"));
    expect(passed).toEqual([1, 3, 3, 3, 3, 3, 4]);
    expect(faults).toEqual([...answers.map(() => "answer_invalid"), "failed"]);
  });

  it("refuses answers to what was never asked", () => {
    queue.take(rowsOf(1));
    for (const seq of [0, 2, 4e9]) expect(() => answer(seq, rowsOf(1))).toThrow(/not asked/);
    answer(1, rowsOf(1));
    expect(() => answer(1, rowsOf(1))).toThrow(/not asked/);
    expect(() => queue.failed("x", new Error("no"))).toThrow(/not asked/);
    expect(() => queue.answered(new Uint8Array(3))).toThrow(/an answer of 3 bytes/);
  });

  it("keeps the bits of a value that is not a number", () => {
    const stale = Uint8Array.of(2, 0, 0, 0, 0, 0, 0xf0, 0x7f);
    const rows = rowsOf(0);
    new Uint8Array(rows.values.buffer).set(stale);
    let bits: Uint8Array | null = null;
    queue.onward = ({ values }) => void (bits = new Uint8Array(values.buffer, values.byteOffset, 8).slice());
    queue.take(rowsOf(0));
    answer(1, rows);
    expect(bits).toEqual(stale);
  });
});
