import { type Collector, definePlugin, Receiver } from "all-use-agent/sdk";

export interface ImportConfig {
  max_series: number;
  max_labels: number;
}

export default definePlugin<"collector", ImportConfig>("collector", (ctx, config): Collector => {
  const receiver = new Receiver(ctx, { maxSeries: config.max_series, maxLabels: config.max_labels });
  return {
    handle: (request) =>
      receiver.turn(async () => {
        const { answerImport } = await import("./answer.ts");
        return answerImport(receiver, request);
      }),
  };
});
