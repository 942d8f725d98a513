import { rmSync } from "node:fs";
import { onTestFinished, test } from "vitest";
import { startAgent, temporaryFolder } from "../support/agent.ts";
import { writeRequest } from "../support/remote-write.ts";
import { freePort, installed, Server } from "../support/server.ts";

const VICTORIA = "/usr/bin/victoria-metrics";
const SERIES = 900;
const HEADERS = { "content-type": "application/x-protobuf", "content-encoding": "snappy" };

/** A request of each kind over HTTP, acknowledged: by the built agent and, in the same run, by VictoriaMetrics where it is installed. */
for (const ticks of [1, 10]) {
  test(`remote write over HTTP: ${SERIES} series, ${ticks} samples each`, async ({ bench }) => {
    const folder = temporaryFolder();
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const startMs = Date.now() - 3_600_000;
    const body = writeRequest(
      Array.from({ length: SERIES }, (_, i) => ({
        labels: ["__name__", `written_${i % 30}_total`, "device", `eth${i}`, "instance", "127.0.0.1:9100", "job", "node"],
        samples: Array.from({ length: ticks }, (_, k) => [startMs + k * 1000, i + k / 8] as const),
      })),
    );
    const post = async (url: string): Promise<void> => {
      const answer = await fetch(`${url}/api/v1/write`, { method: "POST", body, headers: HEADERS });
      await answer.arrayBuffer();
      if (!answer.ok) throw new Error(`${url} answered ${answer.status}`);
    };
    await using agent = await startAgent({ dataDir: `${folder}/agent`, args: ["--bare", "--auth", "none"] });
    const ours = bench("the agent", () => post(agent.origin));
    if (!installed(VICTORIA)) {
      await ours.run();
      return;
    }
    const port = await freePort();
    const options = ["-storageDataPath", `${folder}/victoria`, "-httpListenAddr", `127.0.0.1:${port}`];
    await using victoria = await Server.start(VICTORIA, options, port, "/health");
    await bench.compare(
      ours,
      bench("VictoriaMetrics", () => post(victoria.url)),
    );
  });
}
