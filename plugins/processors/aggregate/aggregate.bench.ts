import { readFileSync } from "node:fs";
import { createBatch, type Manifest } from "all-use-agent/sdk";
import { TestContext } from "all-use-agent/sdk/testing";
import { test } from "vitest";
import plugin from "./index.ts";

const SAMPLES = 1000;
const manifest = JSON.parse(readFileSync(new URL("plugin.json", import.meta.url), "utf8")) as Manifest;

// Microseconds an iteration are nanoseconds a sample.
test(`aggregate: a batch of ${SAMPLES} samples a second`, async ({ bench }) => {
  const run = (match: string, functions: string[], type: "gauge" | "counter" = "gauge"): (() => void) => {
    const ctx = new TestContext(manifest);
    const rules = [
      {
        match,
        functions,
        by: ["host"],
        window_ms: 60_000,
        late_ms: 5000,
        name: "{metric}:{function}",
        drop_input: false,
        max_series: 10_000,
      },
    ];
    const processor = plugin(ctx, { rules });
    const batch = createBatch(SAMPLES);
    for (let i = 0; i < SAMPLES; i++)
      batch.series[i] = ctx.foreignSeries({ name: "t_total", labels: { host: `h${i % 100}`, n: String(i) }, type, help: "." });
    let value = 0;
    return () => {
      ctx.clock.advance(1000);
      value++;
      batch.length = SAMPLES;
      batch.timestamps.fill(ctx.clock.now());
      for (let i = 0; i < SAMPLES; i++) batch.values[i] = value * (i % 7);
      processor.process(batch);
      ctx.emitted.length = 0;
    };
  };
  await bench.compare(
    bench("that match no rule", run("other", ["sum"])),
    bench("sum, avg, max", run("t_total", ["sum", "avg", "max"])),
    bench("rate of counters", run("t_total", ["rate"], "counter")),
    bench("stddev and quantiles", run("t_total", ["stddev", "quantile(0.5)", "quantile(0.99)"])),
  );
});
