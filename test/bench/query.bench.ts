/** PromQL against loops written by hand for the one question: what the engine's generality costs. `npm run bench`. */
import { expect, test } from "vitest";
import { QueryEngine, type QueryResult, resultJson as toJson } from "../../main/query/index.ts";
import { MemorySource } from "../support/memory-source.ts";

// A local name: vitest's module runner adds a getter call to every use of an import.
const resultJson = toJson;

const POINTS = 1_560;
const END_MS = POINTS * 1_000;
const MODES = ["idle", "iowait", "nice", "softirq", "steal", "system"];

const cpu = new MemorySource();
for (let core = 0; core < 4; core++) {
  for (const mode of MODES) {
    const values = Float64Array.from({ length: POINTS }, (_, i) => i * 0.37 + core + mode.length);
    const timestamps = Float64Array.from({ length: POINTS }, (_, i) => i * 1_000);
    cpu.add("node_cpu_seconds_total", { cpu: String(core), mode, instance: "a" }, timestamps, values);
  }
}
const processes = new MemorySource();
for (let pid = 0; pid < 1_455; pid++) {
  processes.add("process_cpu_percent", { pid: String(pid), comm: `p${pid % 97}` }, [END_MS - 1_000], [pid * 0.013]);
}
const cpuEngine = new QueryEngine(() => cpu);
const processEngine = new QueryEngine(() => processes);
const one = cpu.series[0];

/** Calls a second, on average. */
type Rates = Record<string, number>;

function show(rates: Rates): void {
  const perCall = Object.entries(rates).map(([name, rate]) => `${name} ${(1e6 / rate).toFixed(1)} µs`);
  console.log(perCall.join(" · "));
}

test("one series, 1,560 points at 1 s", async ({ bench }) => {
  const query = 'node_cpu_seconds_total{cpu="0",mode="idle"}';
  const range = (): Promise<QueryResult> => cpuEngine.range(query, 0, END_MS - 1_000, 1_000);
  const engine = await bench("engine", async () => void (await range())).run();
  const json = await bench("engine and JSON", async () => void resultJson(await range())).run();
  const byHand = await bench("loop by hand", () => {
    const values = new Float64Array(POINTS);
    for (let i = 0, next = 0; i < POINTS; i++) {
      while (next < POINTS && one.timestamps[next] <= i * 1_000) next++;
      values[i] = one.values[next - 1]!;
    }
    if (values[1] === 0) throw new Error("nothing computed");
  }).run();
  show({ engine: engine.throughput.mean, "engine and JSON": json.throughput.mean, "by hand": byHand.throughput.mean });
  expect(json.throughput.mean).toBeGreaterThan(500);
});

test("average by mode of 24 series at 10 s", async ({ bench }) => {
  const engine = await bench("engine", async () => {
    await cpuEngine.range("avg by (mode) (node_cpu_seconds_total)", 0, END_MS - 1_000, 10_000);
  }).run();
  const rate = await bench("engine, rate", async () => {
    await cpuEngine.range("avg by (mode) (rate(node_cpu_seconds_total[1m]))", 60_000, END_MS - 1_000, 10_000);
  }).run();
  const byHand = await bench("loop by hand", () => {
    const steps = POINTS / 10;
    const sums = new Float64Array(MODES.length * steps);
    for (const { labels, timestamps, values } of cpu.series) {
      const base = MODES.indexOf(labels["mode"]) * steps;
      for (let i = 0, next = 0; i < steps; i++) {
        while (next < POINTS && timestamps[next] <= i * 10_000) next++;
        sums[base + i] += values[next - 1];
      }
    }
    for (let k = 0; k < sums.length; k++) sums[k] /= 4;
  }).run();
  show({ engine: engine.throughput.mean, "with rate": rate.throughput.mean, "by hand": byHand.throughput.mean });
  expect(engine.throughput.mean).toBeGreaterThan(500);
});

test("instant over 1,455 series", async ({ bench }) => {
  const instant = (expr: string): Promise<QueryResult> => processEngine.instant(expr, END_MS);
  const engine = await bench("engine", async () => void (await instant("process_cpu_percent"))).run();
  const json = await bench("engine and JSON", async () => void resultJson(await instant("process_cpu_percent"))).run();
  const sum = await bench("engine, sum by (comm)", async () => void (await instant("sum by (comm) (process_cpu_percent)"))).run();
  const byHand = await bench("loop by hand", () => {
    const rows: { labels: unknown; value: number }[] = [];
    for (const { labels, values } of processes.series) rows.push({ labels, value: values[0] });
    if (rows.length === 0) throw new Error("nothing computed");
  }).run();
  show({
    engine: engine.throughput.mean,
    "engine and JSON": json.throughput.mean,
    "sum by": sum.throughput.mean,
    "by hand": byHand.throughput.mean,
  });
  expect(json.throughput.mean).toBeGreaterThan(200);
});

test("instant of one series", async ({ bench }) => {
  const engine = await bench("engine", async () => {
    await cpuEngine.instant('node_cpu_seconds_total{cpu="0",mode="idle"}', END_MS - 1_000);
  }).run();
  show({ engine: engine.throughput.mean });
  // 0.2 ms is promised; a hundred times that is the bound that a loaded machine must still keep.
  expect(engine.throughput.mean).toBeGreaterThan(1_000);
});
