import { createSocket } from "node:dgram";
import { appendFileSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runCommand, startAgent, temporaryFolder } from "../support/agent.ts";
import { until } from "../support/wait.ts";

let dataDir: string;
let log: string;
beforeAll(() => {
  dataDir = temporaryFolder();
  const logs = join(dataDir, "logs");
  mkdirSync(logs);
  log = join(logs, "web.log");
  writeFileSync(log, "");
  const sources = [
    { name: "web", files: [join(logs, "*.log")], patterns: [{ name: "slow", match: "took (?P<ms>\\d+)ms", value: "ms" }] },
  ];
  writeFileSync(
    join(dataDir, "config.json"),
    JSON.stringify({ plugins: { "collectors/logs": { enabled: true, config: { sources } } } }),
  );
});
afterAll(() => rmSync(dataDir, { recursive: true, force: true }));

test("lines written before, while and after the agent was killed are counted once each, through a rotation", async () => {
  const lines = (from: number, to: number): string =>
    Array.from(
      { length: to - from },
      (_, i) => `${new Date().toISOString()} ERROR request ${from + i} took ${from + i}ms\n`,
    ).join("");
  const first = await startAgent({ dataDir });
  const count = (agent: typeof first) => async (): Promise<number> =>
    Number((await agent.query('alluse_log_lines_total{source="web"}'))[0]?.value?.[1] ?? -1);
  await until("the source", 20_000, async () => (await count(first)()) === 0);
  appendFileSync(log, lines(0, 50));
  await until("the first lines", 20_000, async () => (await count(first)()) === 50);
  await first.kill();
  appendFileSync(log, lines(50, 80));
  renameSync(log, `${log}.1`);
  writeFileSync(log, lines(80, 100));
  await using second = await startAgent({ dataDir });
  await until("all lines", 30_000, async () => (await count(second)()) === 100);
  const [events] = await second.query('count_over_time(alluse_log_event{pattern="slow"}[5m])');
  // So many came at once after the restart that all of them could be told one by one.
  expect(Number(events.value?.[1])).toBe(100);
  const [error] = await second.query('alluse_log_level_lines_total{level="error"}');
  expect(Number(error.value?.[1])).toBe(100);
});

test("an optional plugin is off until it is enabled, and then works without a restart", async () => {
  await using agent = await startAgent({ dataDir });
  const list = await runCommand(["plugin", "info", "collectors/statsd", "--data-dir", dataDir]);
  expect(list.stdout).toMatch(/it is optional: alluse plugin enable/);
  const port = 20_000 + (process.pid % 20_000);
  const set = await runCommand(["plugin", "config", "collectors/statsd", `port=${port}`, "--data-dir", dataDir]);
  expect(set.status, set.stderr).toBe(0);
  const on = await runCommand(["plugin", "enable", "collectors/statsd", "--data-dir", dataDir]);
  expect(on.status, on.stderr).toBe(0);
  const socket = createSocket("udp4");
  await until("a sample", 30_000, async () => {
    socket.send("shop.orders:1|c|#region:eu", port, "127.0.0.1");
    return (await agent.query('shop_orders_total{region="eu"}')).length > 0;
  });
  socket.close();
});
