import { cp } from "node:fs/promises";
import type { Matcher } from "all-use-agent/sdk";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import {
  all,
  batchOf,
  bitsOf,
  define,
  openStore,
  type Opened,
  shown,
  STALE,
  START_MS,
  temporaryFolder,
} from "./testdata/support.ts";

const SERIES = 6;
const OPTIONS = { accept_any_age: true };

type Row = readonly [id: number, timestamp: number, value: number | bigint];

/** The store as one would write it on a napkin: per series, the last value written at each time. */
class Model {
  readonly samples = new Map<number, Map<number, string>>();

  append(rows: readonly Row[]): void {
    for (const [id, timestamp, value] of rows) {
      const one = this.samples.get(id) ?? new Map<number, string>();
      this.samples.set(id, one);
      one.set(timestamp, bitsOf(value));
    }
  }

  delete(id: number, fromMs: number, toMs: number): void {
    for (const time of this.samples.get(id)?.keys() ?? []) if (time >= fromMs && time <= toMs) this.samples.get(id)?.delete(time);
  }

  shown(fromMs: number, toMs: number, lastOnly = false): Record<string, string[]> {
    const found: Record<string, string[]> = {};
    for (const id of [...this.samples.keys()].sort((a, b) => a - b)) {
      const times = [...(this.samples.get(id) as Map<number, string>)]
        .filter(([time]) => time >= fromMs && time <= toMs)
        .sort(([a], [b]) => a - b);
      const text = times.map(([time, bits]) => `${time}=${bits}`);
      if (text.length > 0) found[`m${id % 2}{id=${id}}`] = lastOnly ? text.slice(-1) : text;
    }
    return found;
  }
}

function defineAll(opened: Opened): void {
  for (let id = 0; id < SERIES; id++) define(opened.store, id, `m${id % 2}`, { id: String(id) });
}

const id = fc.nat(SERIES - 1);
// Times collide often, and some lie in another window.
const time = fc
  .oneof({ weight: 9, arbitrary: fc.nat(30) }, { weight: 1, arbitrary: fc.integer({ min: -9000, max: 9000 }) })
  .map((s) => START_MS + s * 1000);
const value = fc.oneof(fc.integer({ min: 0, max: 50 }), fc.double(), fc.constantFrom(STALE, -0, NaN));
const operation = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ op: fc.constant("tick" as const), ids: fc.uniqueArray(id, { minLength: 1 }), time, value }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      op: fc.constant("rows" as const),
      rows: fc.array(fc.tuple(id, time, value), { minLength: 1, maxLength: 8 }),
    }),
  },
  { weight: 2, arbitrary: fc.constant({ op: "seal" as const }) },
  { weight: 1, arbitrary: fc.constant({ op: "restart" as const }) },
  { weight: 1, arbitrary: fc.constant({ op: "crash" as const }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant("delete" as const), id, from: time, span: fc.nat(20_000) }) },
  { weight: 4, arbitrary: fc.record({ op: fc.constant("query" as const), from: time, span: fc.nat(40_000) }) },
);

test("whatever is done in whatever order, the store answers as the model does", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(operation, { minLength: 5, maxLength: 30 }), async (operations) => {
      const model = new Model();
      let opened = await openStore(await temporaryFolder(), OPTIONS);
      defineAll(opened);
      for (const step of operations) {
        const { store } = opened;
        if (step.op === "tick") {
          const rows = step.ids.map(
            (one, i) => [one, step.time, typeof step.value === "number" ? step.value + i : step.value] as const,
          );
          store.append(batchOf(rows));
          model.append(rows);
        } else if (step.op === "rows") {
          store.append(batchOf(step.rows));
          model.append(step.rows);
        } else if (step.op === "seal") await store.seal();
        else if (step.op === "restart") {
          await store.stop();
          opened = await openStore(opened.path, OPTIONS);
          defineAll(opened);
        } else if (step.op === "crash") {
          // The folder as a killed process would leave it after a flush.
          await store.flush();
          const copy = await temporaryFolder();
          await cp(opened.path, copy, { recursive: true });
          await store.stop();
          opened = await openStore(copy, OPTIONS);
          defineAll(opened);
        } else if (step.op === "delete") {
          const touched = model.shown(step.from, step.from + step.span)[`m${step.id % 2}{id=${step.id}}`] ? 1 : 0;
          expect(
            await store.deleteSeries([{ label: "id", op: "=", value: String(step.id) }], step.from, step.from + step.span),
          ).toBe(touched);
          model.delete(step.id, step.from, step.from + step.span);
        } else {
          const range = { fromMs: step.from, toMs: step.from + step.span };
          const matchers: Matcher[] = [{ label: "id", op: "!=", value: "" }];
          expect(shown(await store.select({ matchers, ...range }))).toEqual(model.shown(range.fromMs, range.toMs));
          expect(shown(await store.select({ matchers, ...range, lastOnly: true }))).toEqual(
            model.shown(range.fromMs, range.toMs, true),
          );
          const listed = (await store.series(matchers, range.fromMs, range.toMs))
            .map((one) => `${one.name}{id=${one.labels.id}}`)
            .sort();
          expect(listed).toEqual(Object.keys(model.shown(range.fromMs, range.toMs)).sort());
        }
      }
      expect(await all(opened.store)).toEqual(model.shown(-Infinity, Infinity));
      await opened.store.stop();
    }),
    { numRuns: 25 },
  );
});
