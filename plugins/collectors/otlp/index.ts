import { type Collector, definePlugin, Receiver } from "all-use-agent/sdk";
import type { Answers } from "./answer.ts";

export interface OtlpConfig {
  max_series: number;
  max_labels: number;
  scope_labels: boolean;
  promote_resource_attributes: string[];
  exponential_scale: number;
}

export default definePlugin<"collector", OtlpConfig>("collector", (ctx, config): Collector => {
  const receiver = new Receiver(ctx, { maxSeries: config.max_series, maxLabels: config.max_labels });
  const options = {
    scopeLabels: config.scope_labels,
    promoted: config.promote_resource_attributes,
    exponentialScale: config.exponential_scale,
  };
  let answers: Promise<Answers> | null = null;
  return {
    async handle(request) {
      answers ??= import("./answer.ts").then((code) => new code.Answers(receiver, options, config.max_series));
      return (await answers).answer(request);
    },
  };
});
