import { type Collector, definePlugin } from "all-use-agent/sdk";
import type { ScrapeConfig } from "./config.ts";
import type { Scraper } from "./scraper.ts";

export default definePlugin<"collector", ScrapeConfig>("collector", (ctx, config): Collector => {
  let scraper: Scraper | null = null;
  return {
    async start() {
      if (config.jobs.length === 0) return;
      const code = await import("./scraper.ts");
      if (ctx.signal.aborted) return;
      scraper = new code.Scraper(ctx, config);
      await scraper.start();
    },
    stop: () => scraper?.stop(),
  };
});
