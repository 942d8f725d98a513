import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type Batch,
  createBatch,
  type Labels,
  type Manifest,
  type Matcher,
  type SeriesData,
  type SeriesStorage,
} from "all-use-agent/sdk";
import { TestContext } from "all-use-agent/sdk/testing";
import { onTestFinished } from "vitest";
import plugin from "../index.ts";

export const START_MS = Date.UTC(2026, 0, 5, 12);
/** Bits of Prometheus' stale marker, a NaN whose payload must survive. No number: in an array of numbers it would lose it. */
export const STALE = 0x7ff0000000000002n;
export const EVERYTHING: readonly Matcher[] = [{ label: "__name__", op: "=~", value: ".+" }];

const manifest = JSON.parse(await readFile(join(import.meta.dirname, "../plugin.json"), "utf8")) as Manifest;

export interface StoreOptions {
  retention_days?: number;
  max_disk_bytes?: number;
  block_minutes?: number;
  accept_any_age?: boolean;
  fsync?: "none" | "interval" | "always";
}

export interface Opened {
  readonly store: Required<SeriesStorage>;
  readonly ctx: TestContext;
  readonly path: string;
}

/** A folder that is removed after the test. */
export async function temporaryFolder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "alluse-series-"));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}

/** The plugin started on a folder as the host would; stopped after the test. */
export async function openStore(path: string, options: StoreOptions = {}, startMs = START_MS): Promise<Opened> {
  const ctx = new TestContext(manifest, { startMs });
  const config = {
    path,
    retention_days: 30,
    max_disk_bytes: 2 ** 31,
    block_minutes: 10,
    accept_any_age: false,
    fsync: "none" as const,
    report_interval_ms: 10_000,
    ...options,
  };
  const store = plugin(ctx, config) as Required<SeriesStorage>;
  await store.start(ctx.signal);
  onTestFinished(async () => {
    await store.stop();
    await ctx.dispose();
  });
  return { store, ctx, path };
}

export function batchOf(rows: readonly (readonly [id: number, timestamp: number, value: number | bigint])[]): Batch {
  const batch = createBatch(rows.length);
  for (const [id, timestamp, value] of rows) {
    batch.series[batch.length] = id;
    batch.timestamps[batch.length] = timestamp;
    if (typeof value === "number") batch.values[batch.length] = value;
    else new BigUint64Array(batch.values.buffer)[batch.length] = value;
    batch.length++;
  }
  return batch;
}

export function define(store: SeriesStorage, id: number, name: string, labels: Labels = {}): void {
  store.define(id, { name, labels, type: "gauge", help: "for a test" });
}

/** 64 bits as text, so that NaN payloads and -0 are told apart. */
export function bitsOf(value: number | bigint): string {
  const bits = typeof value === "bigint" ? value : new BigUint64Array(Float64Array.of(value).buffer)[0];
  return bits.toString(16).padStart(16, "0");
}

/** Series by `name{label=value…}`, each sample as `time=bits`. */
export function shown(data: readonly SeriesData[]): Record<string, string[]> {
  const rows = data.map(({ name, labels, timestamps, values }) => {
    const words = new Uint32Array(values.slice().buffer);
    const samples = Array.from(
      timestamps,
      (time, i) => `${time}=${words[2 * i + 1].toString(16).padStart(8, "0")}${words[2 * i].toString(16).padStart(8, "0")}`,
    );
    const text = Object.entries(labels)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, value]) => `${key}=${value}`)
      .join();
    return [`${name}{${text}}`, samples] as const;
  });
  return Object.fromEntries(rows.sort(([a], [b]) => (a < b ? -1 : 1)));
}

export async function all(store: SeriesStorage): Promise<Record<string, string[]>> {
  return shown(await store.select({ matchers: EVERYTHING, fromMs: -(2 ** 49), toMs: 2 ** 49 }));
}
