import { type Collector, definePlugin, type RouteResponse } from "all-use-agent/sdk";
import { sentence } from "./answer.ts";
import { Families } from "./families.ts";
import { negotiate } from "./negotiate.ts";
import type { Receiver, ReceiverLimits } from "./receiver.ts";

export interface RemoteWriteConfig {
  readonly max_body_bytes: number;
  readonly max_series_per_request: number;
  readonly max_samples_per_request: number;
  readonly max_series: number;
  readonly max_labels: number;
  readonly max_label_bytes: number;
  readonly max_requests: number;
  readonly warm_up: boolean;
}

const WARM_UP_BODIES = 60;
const WARM_UP_EVERY_MS = 10;

export default definePlugin<"collector", RemoteWriteConfig>("collector", (ctx, config): Collector => {
  const families = new Families();
  let receiver: Receiver | null = null;
  /** Requests whose bodies are in memory. */
  let running = 0;

  const limits: ReceiverLimits = {
    maxBodyBytes: config.max_body_bytes,
    maxSeriesPerRequest: config.max_series_per_request,
    maxSamplesPerRequest: config.max_samples_per_request,
    maxSeries: config.max_series,
    maxLabels: config.max_labels,
    maxLabelBytes: config.max_label_bytes,
  };

  /** Its code is loaded by the first request: an agent that nobody writes to has no use for it. */
  const ready = async (): Promise<Receiver> => {
    const module = await import("./receiver.ts");
    return (receiver ??= new module.Receiver(ctx, limits, families));
  };

  /** A body at a time, so that nothing waits for it; a real request ends it. */
  const warmUp = async (): Promise<void> => {
    const take = (await import("./warm-up.ts")).warmUp(ctx, limits);
    let bodies = 0;
    const timer = ctx.every(WARM_UP_EVERY_MS, async () => {
      if (bodies++ < WARM_UP_BODIES && receiver === null) return take();
      void timer.dispose();
      await ready();
    });
  };

  return {
    start: () => (config.warm_up ? warmUp() : undefined),
    snapshot: () => Buffer.from(JSON.stringify(families.entries())),
    restore: (snapshot) => families.restore(JSON.parse(Buffer.from(snapshot).toString()) as ReturnType<Families["entries"]>),

    async handle(request): Promise<RouteResponse> {
      const negotiated = negotiate(request);
      if ("refusal" in negotiated) return sentence(415, negotiated.refusal);
      const { version } = negotiated;
      if (running >= config.max_requests) {
        return sentence(503, `${running} requests are being taken already; send this one again a little later.`, version);
      }
      running++;
      try {
        const body = await request.body();
        return await (receiver ?? (await ready())).take(body, version);
      } finally {
        running--;
      }
    },
  };
});
