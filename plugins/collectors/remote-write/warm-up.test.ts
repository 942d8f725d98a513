import { readFileSync } from "node:fs";
import { fillConfig, type Manifest } from "all-use-agent/sdk";
import { TestContext } from "all-use-agent/sdk/testing";
import { afterAll, expect, test } from "vitest";
import plugin, { type RemoteWriteConfig } from "./index.ts";
import { Families } from "./families.ts";
import { Receiver } from "./receiver.ts";
import { madeUpBody } from "./warm-up.ts";

const manifest = JSON.parse(readFileSync(new URL("plugin.json", import.meta.url), "utf8")) as Manifest;
const config = fillConfig(manifest.config!, { warm_up: true }) as unknown as RemoteWriteConfig;
const ctx = new TestContext(manifest);
afterAll(() => ctx.dispose());

test("the made-up body is one that a receiver takes whole", async () => {
  const limits = {
    maxBodyBytes: 1e7,
    maxSeriesPerRequest: 1e5,
    maxSamplesPerRequest: 1e6,
    maxSeries: 1e5,
    maxLabels: 64,
    maxLabelBytes: 4096,
  };
  const answer = await new Receiver(ctx, limits, new Families()).take(madeUpBody(ctx.clock.now()), 1);
  expect(answer.status).toBe(204);
  expect(ctx.emitted).toHaveLength(5000);
  expect(ctx.emitted[4999]).toMatchObject({ labels: { number: "0499" }, value: 499 * 9 + 0.5 });
});

test("warming up leaves no trace and ends by itself", async () => {
  ctx.emitted.length = 0;
  await plugin(ctx, config).start?.(ctx.signal);
  await ctx.advance(5000);
  expect(ctx.emitted).toEqual([]);
});
