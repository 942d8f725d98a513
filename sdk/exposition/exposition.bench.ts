import { expect, test } from "vitest";
import { ExpositionParser } from "./index.ts";

const SERIES = 1000;
const text = Array.from(
  { length: SERIES },
  (_, i) => `node_cpu_seconds_total{cpu="${i}",mode="idle",instance="box-17"} ${(i * 12_345.67).toFixed(2)}\n`,
).join("");

test("reading exposition text again and again", async ({ bench }) => {
  let series = 0;
  const parser = new ExpositionParser({ format: "prometheus", define: () => series++ });
  const result = await bench(`${SERIES} samples of known series`, () => {
    parser.push(text);
    if (parser.end().batch.length !== SERIES) throw new Error("samples are missing");
  }).run();
  // A million samples a second is the aim; a busy machine is no failure.
  expect(result.throughput.mean).toBeGreaterThan(100);
});
