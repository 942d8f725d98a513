/** The plugin on a test's context, and requests to it. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Batch, Collector, Manifest, RouteResponse } from "all-use-agent/sdk";
import { TestContext } from "all-use-agent/sdk/testing";
import { onTestFinished } from "vitest";
import plugin, { type RemoteWriteConfig } from "../index.ts";
import { compressed } from "./encode.ts";

const manifest = JSON.parse(await readFile(join(import.meta.dirname, "../plugin.json"), "utf8")) as Manifest;

export const DEFAULTS: RemoteWriteConfig = {
  max_body_bytes: 32 * 1024 * 1024,
  max_series_per_request: 100_000,
  max_samples_per_request: 500_000,
  max_series: 100_000,
  max_labels: 64,
  max_label_bytes: 4096,
  max_requests: 16,
  warm_up: false,
};

/** Shows the bits of what is emitted, and the lengths of the batches. */
class ShowingContext extends TestContext {
  /** `name{labels} time bits`, as they came. */
  readonly rows: string[] = [];
  readonly batches: number[] = [];
  /** Rows of times before this are refused, as by a store with a retention. */
  oldestMs = -Infinity;
  flushFails: Error | null = null;

  override emit(batch: Batch): number {
    if (!batch.backdated) throw new Error("not backdated");
    this.batches.push(batch.length);
    const words = new Uint32Array(batch.values.buffer, batch.values.byteOffset, batch.length * 2);
    let refused = 0;
    for (let i = 0; i < batch.length; i++) {
      if (batch.timestamps[i] < this.oldestMs) refused++;
      const { name, labels } = this.seriesInfo(batch.series[i]);
      const text = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
      const bits = (BigInt(words[2 * i + 1]) << 32n) | BigInt(words[2 * i]);
      this.rows.push(`${name}{${text.sort().join()}} ${batch.timestamps[i]} ${bits.toString(16)}`);
    }
    super.emit(batch);
    return refused;
  }

  override flush(): Promise<void> {
    return this.flushFails ? Promise.reject(this.flushFails) : super.flush();
  }
}

export interface Receiving {
  readonly ctx: ShowingContext;
  readonly plugin: Collector;
  send(body: Uint8Array, headers?: Record<string, string>): Promise<RouteResponse>;
  v1(plain: Uint8Array): Promise<RouteResponse>;
  v2(plain: Uint8Array): Promise<RouteResponse>;
}

export function receiving(config: Partial<RemoteWriteConfig> = {}): Receiving {
  const ctx = new ShowingContext(manifest);
  const collector = plugin(ctx, { ...DEFAULTS, ...config }) as Collector;
  onTestFinished(() => ctx.dispose());
  const send: Receiving["send"] = async (body, headers = {}) =>
    collector.handle!(
      {
        method: "POST",
        path: "/api/v1/write",
        query: new URLSearchParams(),
        header: (name) => headers[name.toLowerCase()],
        body: () => Promise.resolve(body),
      },
      ctx.signal,
    );
  const type = (proto: string) => ({ "content-type": `application/x-protobuf;proto=${proto}`, "content-encoding": "snappy" });
  return {
    ctx,
    plugin: collector,
    send,
    v1: (plain) => send(compressed(plain), { "content-type": "application/x-protobuf", "content-encoding": "snappy" }),
    v2: (plain) => send(compressed(plain), type("io.prometheus.write.v2.Request")),
  };
}

/** Bits of a double in hexadecimal. */
export function bits(value: number): string {
  return new BigUint64Array(Float64Array.of(value).buffer)[0].toString(16);
}
