import { type Collector, definePlugin, Receiver } from "all-use-agent/sdk";
import type { Writes } from "./writes.ts";

export interface InfluxConfig {
  max_series: number;
  max_labels: number;
}

/** What clients that look at a server's version are told: the last of the 1.8 line, whose `/write` this is. */
const SERVER_VERSION = "1.8.10";

export default definePlugin<"collector", InfluxConfig>("collector", (ctx, config): Collector => {
  const receiver = new Receiver(ctx, { maxSeries: config.max_series, maxLabels: config.max_labels });
  let writes: Promise<Writes> | null = null;
  return {
    async handle(request) {
      if (request.path === "/ping")
        return { status: 204, contentType: null, body: "", headers: { "X-Influxdb-Version": SERVER_VERSION } };
      writes ??= import("./writes.ts").then((code) => new code.Writes(receiver));
      return (await writes).answer(request);
    },
  };
});
