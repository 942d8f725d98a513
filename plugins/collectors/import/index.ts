import { type Collector, definePlugin, Receiver } from "all-use-agent/sdk";
import type { ExpositionReader } from "./exposition.ts";

export interface ImportConfig {
  max_series: number;
  max_labels: number;
}

export default definePlugin<"collector", ImportConfig>("collector", (ctx, config): Collector => {
  const receiver = new Receiver(ctx, { maxSeries: config.max_series, maxLabels: config.max_labels });
  let reader: ExpositionReader | null = null;
  return {
    handle: (request) =>
      receiver.turn(async () => {
        const [{ answerImport }, code] = await Promise.all([import("./answer.ts"), import("./exposition.ts")]);
        reader ??= new code.ExpositionReader();
        return answerImport(receiver, reader, request);
      }),
  };
});
