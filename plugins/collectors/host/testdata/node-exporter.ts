/** For tests: Debian's node exporter, and what it says. */
import { spawn } from "node:child_process";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { seriesKey } from "all-use-agent/sdk";
import { onTestFinished } from "vitest";

export const NODE_EXPORTER = "/usr/bin/prometheus-node-exporter";
export const NO_NODE_EXPORTER = `${NODE_EXPORTER} is not installed: apt-get install prometheus-node-exporter`;
/** What node exporter tells of itself, not of the machine. */
export const ABOUT_ITSELF = /^(node_scrape_collector_|node_exporter_|promhttp_|node_textfile_|go_|process_)/;

const STARTED_WITHIN_MS = 60_000;
const TRY_EVERY_MS = 100;

export interface Exposed {
  readonly key: string;
  readonly name: string;
  readonly value: number;
}

/** Prometheus' text format as node exporter writes it. */
export function parseExposition(text: string): Exposed[] {
  return [...text.matchAll(/^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/gm)].map(([, name, labelText = "", value]) => {
    const labels = Object.fromEntries(
      [...labelText.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, label, text]) => [label, JSON.parse(`"${text}"`)]),
    );
    return { key: seriesKey(name, labels), name, value: Number(value.replace("Inf", "Infinity")) };
  });
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as { port: number };
  await new Promise((done) => server.close(done));
  return port;
}

/** Runs it until the test is over. */
export async function startNodeExporter(flags: readonly string[] = []): Promise<{ scrape: () => Promise<Exposed[]> }> {
  const port = await freePort();
  const child = spawn(NODE_EXPORTER, [`--web.listen-address=127.0.0.1:${port}`, "--web.disable-exporter-metrics", ...flags], {
    stdio: "ignore",
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const scrape = async () => parseExposition(await (await fetch(`http://127.0.0.1:${port}/metrics`)).text());
  const untilMs = performance.now() + STARTED_WITHIN_MS;
  for (;;) {
    try {
      await scrape();
      return { scrape };
    } catch (error) {
      if (performance.now() > untilMs) throw error;
      await sleep(TRY_EVERY_MS);
    }
  }
}
