/** What the built agent tells of this machine, beside what Debian's node exporter tells of it at the same time, and what that costs. */
import { spawn } from "node:child_process";
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { seriesKey } from "all-use-agent/sdk";
import { describe, expect, onTestFinished, test } from "vitest";
import { type RunningAgent, startAgent, temporaryFolder } from "../support/agent.ts";
import { recordFigure } from "../support/figures.ts";
import { isLinux, NOT_LINUX } from "../support/machine.ts";
import { readCpuMs } from "../support/proc.ts";
import { sleep, until } from "../support/wait.ts";

const NODE_EXPORTER = "/usr/bin/prometheus-node-exporter";
const NO_NODE_EXPORTER = `needs ${NODE_EXPORTER}: apt-get install prometheus-node-exporter`;
/** What node exporter tells of itself, not of the machine. */
const ABOUT_ITSELF = /^(node_scrape_collector_|node_exporter_|node_textfile_|promhttp_|go_|process_)/;
const SHARE = 0.95;
const ROUNDS = 5;

/** For the cost: all that /proc says of memory and network protocols. */
const EVERYTHING = { netstat_fields: ".*", vmstat_fields: ".*" };
const MANY = 900;
const SETTLED_MS = 6000;
const WATCHED_S = 20;

interface Told {
  readonly name: string;
  readonly type: string;
  readonly value: number;
}

/** Prometheus' text format, by series. */
function parse(text: string): Map<string, Told> {
  const types = new Map([...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => [name, type]));
  const told = new Map<string, Told>();
  for (const [, name = "", labelText = "", value] of text.matchAll(/^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/gm)) {
    const labels = Object.fromEntries(
      [...labelText.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, label, text]) => [label, JSON.parse(`"${text}"`) as string]),
    );
    told.set(seriesKey(name, labels), { name, type: types.get(name) ?? "untyped", value: Number(value) });
  }
  return told;
}

async function startAgentWith(config: Record<string, unknown>): Promise<RunningAgent> {
  const dataDir = temporaryFolder();
  writeFileSync(join(dataDir, "config.json"), JSON.stringify({ plugins: { "collectors/host": { config } } }));
  const agent = await startAgent({ dataDir });
  onTestFinished(async () => {
    await agent[Symbol.asyncDispose]();
    rmSync(dataDir, { recursive: true, force: true });
  });
  return agent;
}

async function startNodeExporter(): Promise<() => Promise<Map<string, Told>>> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as { port: number };
  await new Promise((done) => server.close(done));
  // It leaves lo out by a default of Debian's alone.
  const flags = [
    `--web.listen-address=127.0.0.1:${port}`,
    "--web.disable-exporter-metrics",
    "--collector.netdev.device-exclude=^$",
  ];
  const child = spawn(NODE_EXPORTER, flags, { stdio: "ignore" });
  onTestFinished(() => void child.kill("SIGKILL"));
  const scrape = async () => parse(await (await fetch(`http://127.0.0.1:${port}/metrics`)).text());
  await until("node exporter", 20_000, () =>
    scrape().then(
      (told) => told.size > 0,
      () => false,
    ),
  );
  return scrape;
}

/** What the agent told at a tick after `afterSeconds`. */
async function readAgent(agent: RunningAgent, afterSeconds = 0): Promise<Map<string, Told>> {
  return until("a tick", 10_000, async () => {
    const told = parse(await (await agent.fetch("/metrics")).text());
    return (told.get("node_time_seconds")?.value ?? 0) > afterSeconds ? told : null;
  });
}

/**
 * What is wrong with their value, given ours from before and after; null where it agrees or cannot be judged. A counter lies between
 * ours, a gauge that held still is the same.
 */
function fault(theirs: Told, before: Told, after: Told): string | null {
  const slack = 1e-9 * Math.abs(theirs.value);
  const [low, high] = [Math.min(before.value, after.value), Math.max(before.value, after.value)];
  const moved = low !== high;
  if (moved && before.type !== "counter") return null;
  return theirs.value < low - slack || theirs.value > high + slack ? `${low} ≤ ${theirs.value} ≤ ${high}` : null;
}

describe("the agent beside node exporter", () => {
  test("tells at least 95 % of its default names with equal labels and equal values", async ({ skip }) => {
    skip(!isLinux, NOT_LINUX);
    skip(!existsSync(NODE_EXPORTER), NO_NODE_EXPORTER);
    // Each group at each tick, or at each sixth.
    const agent = await startAgentWith({ slow_interval_ms: 1000 });
    const scrape = await startNodeExporter();
    await until("the clock discipline", 30_000, async () => (await agent.query("node_timex_status")).length > 0);
    await sleep(SETTLED_MS);
    for (let round = 1; ; round++) {
      const before = await readAgent(agent);
      const theirs = new Map([...(await scrape())].filter(([, { name }]) => !ABOUT_ITSELF.test(name)));
      const after = await readAgent(agent, theirs.get("node_time_seconds")!.value);
      const names = new Set([...theirs.values()].map(({ name }) => name));
      const lacking = new Set([...theirs].filter(([key]) => !before.has(key) || !after.has(key)).map(([, { name }]) => name));
      const both = [...theirs].filter(([key]) => before.has(key) && after.has(key));
      const faults = both.flatMap(([key, told]) => {
        const wrong = fault(told, before.get(key)!, after.get(key)!);
        // Asked every four minutes.
        return wrong === null || told.name.startsWith("node_timex_") ? [] : [`${key}: ${wrong}`];
      });
      const shareOfNames = 1 - lacking.size / names.size;
      const shareOfValues = 1 - faults.length / both.length;
      // Neighbours may change the machine between two readings: what is wrong is wrong every time.
      if ((shareOfNames < SHARE || shareOfValues < SHARE) && round < ROUNDS) continue;
      recordFigure("node exporter's default names told with equal labels", 100 * shareOfNames, "%");
      recordFigure("node exporter's series with a value that agrees", 100 * shareOfValues, "%");
      recordFigure("node exporter's default series compared", theirs.size, "series");
      expect(shareOfNames, `lacking: ${[...lacking].join(", ")}`).toBeGreaterThanOrEqual(SHARE);
      expect(shareOfValues, faults.join("\n")).toBeGreaterThanOrEqual(SHARE);
      return;
    }
  });

  test("with all fields more than 900 series are told, most of them every second", async ({ skip }) => {
    skip(!isLinux, NOT_LINUX);
    const agent = await startAgentWith(EVERYTHING);
    await readAgent(agent);
    await sleep(SETTLED_MS);
    const beforeMs = readCpuMs(agent.pid);
    await sleep(WATCHED_S * 1000);
    const cpuMs = readCpuMs(agent.pid) - beforeMs;
    const rows = await agent.query(`sum(count_over_time({__name__=~"node_.+"}[${WATCHED_S}s]))`);
    const samples = Number(rows[0]?.value?.[1]);
    const aTick = samples / WATCHED_S;
    const [host] = (await agent.plugins()).filter(({ id }) => id === "collectors/host");
    recordFigure("host samples a second, with all fields", aTick, "samples");
    recordFigure("CPU of the whole agent a host sample, with learning, at 1 Hz", (1000 * cpuMs) / samples, "µs");
    recordFigure("host collector's tick in the agent, p50", host.cost.p50Ms, "ms");
    recordFigure("host collector's tick in the agent, p99", host.cost.p99Ms, "ms");
    // Held up, an agent leaves ticks out, never series.
    expect((await readAgent(agent)).size).toBeGreaterThan(MANY);
  });
});
