import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { type QueryResult, startAgent, temporaryFolder } from "../support/agent.ts";
import { until } from "../support/wait.ts";

const EXPORTER = "/usr/bin/prometheus-node-exporter";
const PROMETHEUS = "/usr/bin/prometheus";

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function run(program: string, args: readonly string[]): ChildProcess {
  const child = spawn(program, args, { stdio: "ignore" });
  onTestFinished(() => void child.kill("SIGKILL"));
  return child;
}

const answers = (address: string) =>
  fetch(`http://${address}/metrics`).then(
    (response) => response.ok,
    () => false,
  );

/** Without what Prometheus' own scrape differs in. */
function keyOf({ metric }: QueryResult): string {
  return JSON.stringify(Object.entries(metric).sort(([a], [b]) => (a < b ? -1 : 1)));
}

test.skipIf(!existsSync(EXPORTER) || !existsSync(PROMETHEUS))(
  "the node exporter's and Prometheus' own pages are scraped as Prometheus scrapes them",
  async () => {
    const folder = temporaryFolder();
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const [exporterPort, prometheusPort] = [await freePort(), await freePort()];
    const [node, prometheus] = [`127.0.0.1:${exporterPort}`, `127.0.0.1:${prometheusPort}`];
    const exporter = run(EXPORTER, [`--web.listen-address=${node}`]);
    const jobs = (name: string, targets: string) => `  - {job_name: ${name}, static_configs: [{targets: ["${targets}"]}]}\n`;
    writeFileSync(
      join(folder, "prometheus.yml"),
      `global: {scrape_interval: 1s, scrape_timeout: 1s}\nscrape_configs:\n${jobs("node", node)}${jobs("prometheus", prometheus)}`,
    );
    run(PROMETHEUS, [
      `--config.file=${join(folder, "prometheus.yml")}`,
      `--storage.tsdb.path=${join(folder, "tsdb")}`,
      `--web.listen-address=${prometheus}`,
    ]);
    await until("both to answer", 30_000, async () => (await answers(node)) && (await answers(prometheus)));

    const dataDir = join(folder, "agent");
    mkdirSync(dataDir);
    const job = (job_name: string, target: string) => ({ job_name, targets: [target], scrape_interval_ms: "1s" });
    const config = { jobs: [job("node", node), job("prometheus", prometheus)] };
    const plugins = { "collectors/scrape": { enabled: true, config }, "collectors/host": { enabled: false } };
    writeFileSync(join(dataDir, "config.json"), JSON.stringify({ plugins }));
    const agent = await startAgent({ dataDir });
    onTestFinished(() => agent[Symbol.asyncDispose]());

    const theirs = async (expr: string): Promise<QueryResult[]> => {
      const response = await fetch(`http://${prometheus}/api/v1/query?${new URLSearchParams({ query: expr }).toString()}`);
      return ((await response.json()) as { data: { result: QueryResult[] } }).data.result;
    };
    for (const name of ["node", "prometheus"])
      await until(`${name} to be scraped by both`, 30_000, async () => {
        const up = `up{job="${name}"} == 1`;
        return (await agent.query(up)).length === 1 && (await theirs(up)).length === 1;
      });

    // Series come and go with what the programs do: every series that both had for long is the same.
    const all = '{job=~"node|prometheus",__name__!~"scrape_.*"}';
    await until("the same series", 20_000, async () => {
      const [ours, their] = [await agent.query(all), await theirs(all)].map((rows) => new Set(rows.map(keyOf)));
      const differing = [...ours].filter((key) => !their.has(key)).length + [...their].filter((key) => !ours.has(key)).length;
      return ours.size > 500 && differing <= ours.size / 100;
    });
    const still =
      '{job="node",__name__=~"node_uname_info|node_memory_MemTotal_bytes|node_boot_time_seconds|node_network_mtu_bytes"}';
    const valuesOf = (rows: QueryResult[]) => Object.fromEntries(rows.map((row) => [keyOf(row), row.value![1]]));
    const expected = valuesOf(await theirs(still));
    expect(Object.keys(expected).length).toBeGreaterThan(3);
    expect(valuesOf(await agent.query(still))).toEqual(expected);
    const metadata = await agent.json<{ data: Record<string, { type: string }[]> }>(
      "/api/v1/metadata?metric=node_cpu_seconds_total",
    );
    expect(metadata.data["node_cpu_seconds_total"]?.[0]?.type).toBe("counter");

    // What goes away ends at once, and says so.
    exporter.kill("SIGKILL");
    await until("the exporter to be down", 20_000, async () => {
      const [down, left] = [await agent.query('up{job="node"} == 0'), await agent.query("node_load1")];
      return down.length === 1 && left.length === 0;
    });
    const report = (await agent.plugins()).find(({ id }) => id === "collectors/scrape");
    expect(report?.reason).toContain("1 of 2 targets cannot be scraped");
  },
);
