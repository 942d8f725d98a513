import { test } from "vitest";
import { seededRandom, TestContext } from "../testing.ts";
import { counter, histogram, instruments, summary } from "./index.ts";

const OBSERVATIONS = 1000;

// Microseconds an iteration are nanoseconds an observation.
test(`${OBSERVATIONS} observations`, async ({ bench }) => {
  const random = seededRandom(1);
  const values = Float64Array.from({ length: OBSERVATIONS }, () => 0.01 * 2 ** (10 * random()));
  const context = (): TestContext =>
    new TestContext({
      id: "collectors/demo",
      metrics: {
        a_total: { type: "counter", help: "." },
        b_seconds: { type: "histogram", help: "." },
        c_seconds: { type: "summary", help: "." },
      },
    });
  const each = (observe: (value: number) => void) => (): void => {
    for (let i = 0; i < OBSERVATIONS; i++) observe(values[i]);
  };
  const child = counter(context(), "a_total").labels({ code: "200" });
  const classic = histogram(context(), "b_seconds").labels({ code: "200" });
  const exponential = histogram(context(), "b_seconds", { buckets: "exponential" }).labels({ code: "200" });
  const sketch = summary(context(), "c_seconds").labels({ code: "200" });
  const ctx = context();
  const emitted = histogram(ctx, "b_seconds", { buckets: "exponential" });
  await bench.compare(
    bench(
      "counter",
      each((value) => child.inc(value)),
    ),
    bench(
      "classic histogram",
      each((value) => classic.observe(value)),
    ),
    bench(
      "exponential histogram",
      each((value) => exponential.observe(value)),
    ),
    bench(
      "summary",
      each((value) => sketch.observe(value)),
    ),
    bench("an exponential histogram's emission with 20 observations", () => {
      ctx.clock.advance(1000);
      emitted.observe(values[0]);
      for (let i = 0; i < 20; i++) emitted.observe(values[i]);
      instruments(ctx).emit();
      ctx.emitted.length = 0;
    }),
  );
});
