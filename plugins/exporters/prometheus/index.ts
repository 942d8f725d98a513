import { definePlugin, type Exporter } from "all-use-agent/sdk";
import { chooseFormat, CONTENT_TYPE } from "./accept.ts";
import { Exposition } from "./exposition.ts";

export interface PrometheusConfig {
  max_age_ms: number;
}

export default definePlugin<"exporter", PrometheusConfig>("exporter", (ctx, config): Exporter => {
  const exposition = new Exposition();
  return {
    handle(request) {
      const format = chooseFormat(request.header("accept"));
      exposition.begin();
      ctx.latest(config.max_age_ms, (info, value) => exposition.add(info, value));
      return { status: 200, contentType: CONTENT_TYPE[format], body: exposition.write(format) };
    },
  };
});
