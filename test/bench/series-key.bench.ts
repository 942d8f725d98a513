import { seriesKey } from "all-use-agent/sdk";
import { expect, test } from "vitest";

// A local name: vitest's module runner adds a getter call to every use of an import.
const keyOf = seriesKey;
const labels = { cpu: "0", mode: "idle", instance: "box-17", job: "host" };

test("identifying a series", async ({ bench }) => {
  const result = await bench("seriesKey, 4 labels", () => {
    if (keyOf("node_cpu_seconds_total", labels).length === 0) throw new Error("no key");
  }).run();
  expect(result.throughput.mean).toBeGreaterThan(10_000);
});
