import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { seriesKey } from "all-use-agent/sdk";
import { expect, it, onTestFinished } from "vitest";
import { type QueryResult, type RunningAgent, startAgent, temporaryFolder } from "../support/agent.ts";
import { writeRequest } from "../support/remote-write.ts";
import { freePort, installed, Server } from "../support/server.ts";
import { sleep, until } from "../support/wait.ts";

const PROMETHEUS = "/usr/bin/prometheus";
const VMAGENT = "/usr/bin/vmagent";
const VICTORIA = "/usr/bin/victoria-metrics";
const NODE_EXPORTER = "/usr/bin/prometheus-node-exporter";
const BARE = ["--bare", "--auth", "none"];

function folder(): string {
  const path = temporaryFolder();
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

async function exporter(): Promise<{ server: Server; target: string }> {
  const port = await freePort();
  const server = await Server.start(NODE_EXPORTER, [`--web.listen-address=127.0.0.1:${port}`], port, "/metrics");
  onTestFinished(() => server.stop());
  return { server, target: `127.0.0.1:${port}` };
}

/** Every sample of `selector` in the minutes before `endMs`, as the Prometheus API shows them: raw times and values. */
async function samples(url: string, selector: string, endMs: number): Promise<Map<string, [number, string][]>> {
  const query = new URLSearchParams({ query: `${selector}[10m]`, time: String(endMs / 1000) });
  const response = await fetch(`${url}/api/v1/query?${query.toString()}`);
  const answer = (await response.json()) as { data: { result: QueryResult[] } };
  return new Map(
    answer.data.result.map(({ metric, values = [] }) => [
      seriesKey(metric.__name__ ?? "", metric),
      values.map(([seconds, value]) => [Math.round(seconds * 1000), value]),
    ]),
  );
}

type Same = (here: string | undefined, there: string) => boolean;

/** VictoriaMetrics and vmagent are right to some fourteen digits only. */
function nearly(here: string | undefined, there: string): boolean {
  return here !== undefined && Math.abs(Number(here) - Number(there)) <= Math.abs(Number(there)) * 1e-12;
}

/** Which samples of `there` are not here, or not the same. */
function lost(
  there: Map<string, [number, string][]>,
  here: Map<string, [number, string][]>,
  untilMs: number,
  same: Same,
): string[] {
  const missing: string[] = [];
  for (const [series, rows] of there) {
    const own = new Map(here.get(series) ?? []);
    for (const [timeMs, value] of rows)
      if (timeMs <= untilMs && !same(own.get(timeMs), value))
        missing.push(`${series} at ${timeMs}: ${value}, here ${own.get(timeMs) ?? "nothing"}`);
  }
  return missing;
}

/** Waits until the agent has every sample up to `untilMs` that the sender's own API shows; throws with what is missing. */
async function sameAs(
  url: string,
  agent: RunningAgent,
  selector: string,
  untilMs: number,
  same: Same = (here, there) => here === there,
): Promise<number> {
  let missing: string[] = ["nothing was asked yet"];
  let count = 0;
  await until(
    "every sample to have arrived",
    20_000,
    async () => {
      const there = await samples(url, selector, untilMs);
      missing = lost(there, await samples(agent.origin, selector, untilMs), untilMs, same);
      count = [...there.values()].reduce((sum, rows) => sum + rows.length, 0);
      return missing.length === 0 && count > 0;
    },
    500,
  ).catch((error: unknown) => {
    throw new Error(`${missing.length} samples are missing, the first: ${missing.slice(0, 5).join("; ")}`, { cause: error });
  });
  return count;
}

/** The agent ends, first in the middle of what it takes, and comes back on its port after the sender has had seconds alone. */
async function outage(agent: RunningAgent, dataDir: string, aloneMs: number): Promise<RunningAgent> {
  const { port } = agent;
  await agent.kill();
  await sleep(aloneMs);
  return startAgent({ dataDir, port, args: BARE });
}

it.skipIf(!installed(PROMETHEUS) || !installed(NODE_EXPORTER))(
  "has every sample that Prometheus scraped, bit for bit, through kill -9 and an outage",
  async () => {
    const dataDir = folder();
    const work = folder();
    await using first = await startAgent({ dataDir, args: BARE });
    const { target } = await exporter();
    const port = await freePort();
    writeFileSync(
      join(work, "prometheus.yml"),
      `global: {scrape_interval: 1s}
scrape_configs:
  - job_name: node
    static_configs: [{targets: ["${target}"]}]
  - job_name: self
    static_configs: [{targets: ["127.0.0.1:${port}"]}]
remote_write:
  - url: ${first.origin}/api/v1/write
    metadata_config: {send_interval: 3s}
    queue_config: {batch_send_deadline: 1s, min_backoff: 30ms, max_backoff: 1s}
`,
    );
    const options = [`--config.file=${join(work, "prometheus.yml")}`, `--storage.tsdb.path=${join(work, "data")}`];
    await using prometheus = await Server.start(
      PROMETHEUS,
      [...options, `--web.listen-address=127.0.0.1:${port}`],
      port,
      "/-/ready",
    );
    await until("the first samples", 20_000, async () => (await first.query("node_load1")).length > 0);
    await sleep(3000);
    await using second = await outage(first, dataDir, 15_000);
    await sleep(2000);
    const count = await sameAs(prometheus.url, second, '{job=~"node|self",__name__!~"ALERTS.*"}', Date.now() - 3000);
    expect(count).toBeGreaterThan(10_000);
    // What is sealed is the same.
    await second.fetch("/api/v1/admin/seal", { method: "POST" });
    await sameAs(prometheus.url, second, '{job="node"}', Date.now() - 3000);
    const metadata = await until("what Prometheus says of its metrics", 20_000, async () => {
      const answer = await second.json<{ data: Record<string, { type: string; help: string }[]> }>("/api/v1/metadata");
      return answer.data.node_cpu_seconds_total?.[0]?.help ? answer.data : null;
    });
    expect(metadata.node_cpu_seconds_total[0].type).toBe("counter");
  },
);

it.skipIf(!installed(VMAGENT) || !installed(NODE_EXPORTER) || !installed(VICTORIA))(
  "has every sample that vmagent scraped, through kill -9 and an outage",
  async () => {
    const dataDir = folder();
    const work = folder();
    await using first = await startAgent({ dataDir, args: BARE });
    const { target } = await exporter();
    // vmagent keeps nothing itself: it writes to VictoriaMetrics as well.
    const [port, twinPort] = [await freePort(), await freePort()];
    mkdirSync(join(work, "twin"));
    await using twin = await Server.start(
      VICTORIA,
      ["-storageDataPath", join(work, "twin"), "-httpListenAddr", `127.0.0.1:${twinPort}`, "-retentionPeriod", "1"],
      twinPort,
      "/health",
    );
    writeFileSync(
      join(work, "scrape.yml"),
      `global: {scrape_interval: 1s}\nscrape_configs:\n  - job_name: node\n    static_configs: [{targets: ["${target}"]}]\n`,
    );
    await using vmagent = await Server.start(
      VMAGENT,
      [
        `-promscrape.config=${join(work, "scrape.yml")}`,
        `-httpListenAddr=127.0.0.1:${port}`,
        `-remoteWrite.tmpDataPath=${join(work, "queue")}`,
        `-remoteWrite.url=${first.origin}/api/v1/write`,
        `-remoteWrite.url=${twin.url}/api/v1/write`,
      ],
      port,
      "/health",
    );
    await until("the first samples", 20_000, async () => (await first.query("node_load1")).length > 0);
    await sleep(3000);
    await using second = await outage(first, dataDir, 15_000);
    await sleep(2000);
    const count = await sameAs(
      twin.url,
      second,
      '{__name__=~"node_(load1|memory_MemFree_bytes|context_switches_total|forks_total)|up"}',
      Date.now() - 4000,
      nearly,
    );
    expect(count).toBeGreaterThan(50);
    expect(vmagent.output()).not.toContain("dropping");
  },
);

it("has one sample a series and time, however often the same request is sent: before and after kill -9, and sealed", async () => {
  const dataDir = folder();
  const startMs = Date.now() - 60_000;
  const body = writeRequest(
    Array.from({ length: 50 }, (_, i) => ({
      labels: ["__name__", "written", "i", String(i)],
      samples: Array.from({ length: 10 }, (_, k) => [startMs + k * 1000, i + k / 10] as const),
    })),
  );
  const send = async (agent: RunningAgent): Promise<void> => {
    const response = await agent.fetch("/api/v1/write", {
      method: "POST",
      body: body,
      headers: { "content-type": "application/x-protobuf", "content-encoding": "snappy" },
    });
    expect(response.status).toBe(204);
  };
  const check = async (agent: RunningAgent): Promise<void> => {
    const found = await samples(agent.origin, "written", startMs + 30_000);
    expect(found.size).toBe(50);
    for (const [series, rows] of found) {
      const i = Number(/i="(\d+)"/.exec(series)?.[1]);
      expect(rows).toEqual(Array.from({ length: 10 }, (_, k) => [startMs + k * 1000, String(i + k / 10)]));
    }
  };
  await using first = await startAgent({ dataDir, args: BARE });
  await send(first);
  await send(first);
  await check(first);
  await first.kill();
  await using second = await startAgent({ dataDir, args: BARE });
  await check(second);
  await send(second);
  await check(second);
  await second.fetch("/api/v1/admin/seal", { method: "POST" });
  await check(second);
  await send(second);
  await check(second);
  await second.stop();
  await using third = await startAgent({ dataDir, args: BARE });
  await check(third);
});

it("takes what is written to an agent with all its plugins, with the token", async () => {
  await using agent = await startAgent();
  const timeMs = Date.now() - 5000;
  const body = writeRequest([{ labels: ["__name__", "written", "job", "a"], samples: [[timeMs, 42.5]] }]);
  const headers = { "content-type": "application/x-protobuf", "content-encoding": "snappy" };
  const post = (more: Record<string, string>): Promise<Response> =>
    fetch(`${agent.origin}/api/v1/write`, { method: "POST", body: body, headers: { ...headers, ...more } });
  expect((await post({})).status).toBe(401);
  expect((await post({ authorization: `Bearer ${agent.token}` })).status).toBe(204);
  const [found] = await agent.query("written", Date.now());
  expect(found).toMatchObject({ metric: { __name__: "written", job: "a" }, value: [expect.any(Number), "42.5"] });
});
