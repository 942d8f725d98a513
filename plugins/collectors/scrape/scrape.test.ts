import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { fillConfig, type Labels, type RelabelConfig, seriesKey } from "all-use-agent/sdk";
import { TestContext } from "all-use-agent/sdk/testing";
import { describe, expect, it, onTestFinished } from "vitest";
import type { JobConfig, ScrapeConfig } from "./config.ts";
import { HttpClient } from "./http-client.ts";
import plugin from "./index.ts";
import manifest from "./plugin.json" with { type: "json" };
import { relabeler } from "./relabel.ts";
import { readGroups } from "./service-list.ts";
import { Target } from "./target.ts";
import { targetsOf } from "./targets.ts";

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

async function serve(handler: Handler): Promise<string> {
  const server = createServer(handler);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function configOf(jobs: object[]): ScrapeConfig {
  return fillConfig(manifest.config, { jobs }) as unknown as ScrapeConfig;
}

function jobOf(job: object): JobConfig {
  return configOf([{ job_name: "j", ...job }]).jobs[0];
}

function contextOf(): TestContext {
  const ctx = new TestContext(manifest as never, { startMs: Date.UTC(2026, 0, 5, 12) });
  onTestFinished(() => ctx.dispose());
  return ctx;
}

/** One target on a server that answers with what `page` is at the time. */
async function targetOn(page: { text: string; type?: string; status?: number }, given: object = {}) {
  const address = await serve((_request, response) => {
    response.statusCode = page.status ?? 200;
    response.setHeader("content-type", page.type ?? "text/plain; version=0.0.4");
    response.end(page.text);
  });
  const ctx = contextOf();
  const job = jobOf(given);
  const [spec] = targetsOf(job, { targets: [address] }, relabeler(job.relabel, ""), relabeler(job.metric_relabel, ""));
  const target = new Target(ctx, spec);
  const client = new HttpClient();
  onTestFinished(() => client.dispose());
  const scrape = async (): Promise<Record<string, number>> => {
    ctx.clock.advance(1000);
    ctx.emitted.length = 0;
    await target.scrape(client, ctx.clock.now());
    return Object.fromEntries(
      ctx.emitted
        .filter(({ name }) => name !== "scrape_duration_seconds")
        .map(({ name, labels, value }) => [seriesKey(name, without(labels)), value]),
    );
  };
  return { ctx, target, scrape, address };
}

/** Without what the server's port changes. */
function without({ instance: _instance, job: _job, ...labels }: Labels): Labels {
  return labels;
}

const report = (up: number, scraped: number, after: number, added: number) => ({
  up,
  scrape_samples_scraped: scraped,
  scrape_samples_post_metric_relabeling: after,
  scrape_series_added: added,
});

describe("a scrape", () => {
  it("emits samples with job and instance, and what it says of itself", async () => {
    const { scrape, ctx, address } = await targetOn({ text: '# TYPE a counter\na{x="1"} 1\nb 2\n' });
    expect(await scrape()).toEqual({ 'a{x="1"}': 1, b: 2, ...report(1, 2, 2, 2) });
    expect(ctx.emitted[0].labels).toEqual({ x: "1", job: "j", instance: address });
    expect(ctx.emitted.every(({ timestampMs }) => timestampMs === ctx.clock.now())).toBe(true);
    expect(ctx.seriesInfo(0).type).toBe("counter");
    expect(await scrape()).toMatchObject(report(1, 2, 2, 0));
  });

  it("ends what is missing from the next one, and everything when it fails", async () => {
    const page = { text: "a 1\nb 2\n", status: 200 };
    const { scrape, target } = await targetOn(page);
    await scrape();
    page.text = "b 3\nc 4\n";
    expect(await scrape()).toEqual({ b: 3, c: 4, a: NaN, ...report(1, 2, 2, 1) });
    page.status = 500;
    expect(await scrape()).toEqual({ b: NaN, c: NaN, ...report(0, 0, 0, 0) });
    expect(target.problem).toBe("the answer has the status 500");
    expect(await scrape()).toEqual(report(0, 0, 0, 0));
    page.status = 200;
    expect(await scrape()).toEqual({ b: 3, c: 4, ...report(1, 2, 2, 2) });
    expect(target.problem).toBe(null);
  });

  it("keeps the times that samples bring, unless told not to", async () => {
    const page = { text: "a 1 1700000000123\nb 2\n" };
    const { scrape, ctx } = await targetOn(page);
    await scrape();
    expect(ctx.emitted[0].timestampMs).toBe(1700000000123);
    page.text = "";
    // Who gives times of its own ends by itself.
    expect(await scrape()).toEqual({ b: NaN, ...report(1, 0, 0, 0) });
    const other = await targetOn({ text: "a 1 1700000000123\n" }, { honor_timestamps: false });
    await other.scrape();
    expect(other.ctx.emitted[0].timestampMs).toBe(other.ctx.clock.now());
  });

  it("reads OpenMetrics, which must be whole", async () => {
    const page = { text: "a 1 1700000000.5\n# EOF\n", type: "application/openmetrics-text; version=1.0.0" };
    const { scrape, ctx, target } = await targetOn(page);
    await scrape();
    expect(ctx.emitted[0].timestampMs).toBe(1700000000500);
    page.text = "a 1\n";
    expect((await scrape())["up"]).toBe(0);
    expect(target.problem).toContain("# EOF");
  });

  it("renames labels that the target has too, or keeps the sample's", async () => {
    const text = 'a{job="x",exported_job="y",instance="z"} 1\n';
    const { scrape, ctx } = await targetOn({ text });
    await scrape();
    expect(without(ctx.emitted[0].labels)).toEqual({ exported_exported_job: "x", exported_job: "y", exported_instance: "z" });
    const honoring = await targetOn({ text }, { honor_labels: true });
    await honoring.scrape();
    expect(honoring.ctx.emitted[0].labels).toMatchObject({ job: "x", instance: "z" });
  });

  it.each([
    [{ sample_limit: 1 }, "a 1\nb 2\n", /2 samples are more than sample_limit, 1/],
    [{ label_limit: 3 }, 'a{b="1",c="2"} 1\n', /4 labels, more than label_limit/],
    [{ label_name_length_limit: 8 }, 'a{bcdefghij="1"} 1\n', /label_name_length_limit/],
    [{ label_value_length_limit: 30 }, `a{b="${"x".repeat(31)}"} 1\n`, /label_value_length_limit/],
    [{ body_size_limit_bytes: 10 }, "a 1\nb 2\nc 3\n", /longer than 10 bytes/],
    [{}, 'a 1\nb{c="d} 2\n', /line 2 column \d+: /],
  ])("fails under %j, again and again, and says why", async (given, text, message) => {
    const page = { text };
    const { scrape, target } = await targetOn(page, given);
    for (let i = 0; i < 2; i++) {
      expect(await scrape()).toEqual(report(0, 0, 0, 0));
      expect(target.problem).toMatch(message);
    }
    page.text = "a 1\n";
    expect(await scrape()).toMatchObject({ a: 1, up: 1 });
  });

  it("relabels and drops samples, counted as Prometheus does", async () => {
    const metric_relabel: RelabelConfig[] = [
      { source_labels: ["__name__"], regex: "drop_.*", action: "drop" },
      { source_labels: ["path"], regex: "/(.*)/\\d+", target_label: "path", replacement: "/$1/:id" },
      { regex: "secret", action: "labeldrop" },
    ];
    const { scrape } = await targetOn({ text: 'drop_me 1\nkept{path="/user/7",secret="s"} 2\n' }, { metric_relabel });
    expect(await scrape()).toEqual({ 'kept{path="/user/:id"}': 2, ...report(1, 2, 1, 1) });
    expect(await scrape()).toMatchObject(report(1, 2, 1, 0));
  });

  it("answers what is slow, gone or cut off with up 0", async () => {
    const ctx = contextOf();
    const client = new HttpClient();
    onTestFinished(() => client.dispose());
    const slow = await serve(() => {});
    const cut = await serve((_request, response) => {
      response.setHeader("content-length", "100");
      response.write("a 1\n");
      setTimeout(() => response.destroy(), 20);
    });
    for (const [address, message] of [
      [slow, /no answer within 50 ms/],
      [cut, /aborted|too early|hang up/],
      ["127.0.0.1:1", /ECONNREFUSED/],
    ] as const) {
      const job = jobOf({ scrape_timeout_ms: address === slow ? 50 : 5000 });
      const [spec] = targetsOf(
        job,
        { targets: [address] },
        (labels) => labels,
        (labels) => labels,
      );
      const target = new Target(ctx, spec);
      await target.scrape(client, ctx.clock.now());
      expect(target.problem).toMatch(message);
    }
  });

  it("sends parameters, credentials and what it accepts; unpacks what comes packed, within the limit", async () => {
    const seen: IncomingMessage[] = [];
    const address = await serve((request, response) => {
      seen.push(request);
      response.setHeader("content-encoding", "gzip");
      response.end(gzipSync(request.url === "/bomb" ? Buffer.alloc(1_000_000, 32) : "a 1\n"));
    });
    const client = new HttpClient();
    onTestFinished(() => client.dispose());
    const given = { params: { "match[]": ["a", "b"] }, metrics_path: "/federate", username: "u", password: "p" };
    const job = jobOf(given);
    const [spec] = targetsOf(
      job,
      { targets: [address] },
      (labels) => labels,
      (labels) => labels,
    );
    expect((await client.get(spec.url, job)).text).toBe("a 1\n");
    expect(seen[0].url).toBe("/federate?match%5B%5D=b&match%5B%5D=a");
    expect(seen[0].headers).toMatchObject({
      authorization: `Basic ${Buffer.from("u:p").toString("base64")}`,
      accept: expect.stringContaining("application/openmetrics-text") as string,
      "x-prometheus-scrape-timeout-seconds": "5",
    });
    const small = jobOf({ body_size_limit_bytes: 10_000, bearer_token: "t" });
    await expect(client.get(new URL(`http://${address}/bomb`), small)).rejects.toThrow(/longer than 10000 bytes/);
    expect(seen[1].headers.authorization).toBe("Bearer t");
    // Both came over one connection.
    expect(seen[1].socket).toBe(seen[0].socket);
  });

  it("survives any page", async () => {
    const page = { text: "" };
    const { scrape } = await targetOn(page);
    const piece = fc.constantFrom("a", "{", "}", '"', "=", ",", " ", "\n", "1", "# TYPE a gauge", "\\", "é", "# EOF", "NaN");
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 60 }), async (parts) => {
        page.text = parts.join("");
        expect([0, 1]).toContain((await scrape())["up"]);
      }),
      { numRuns: 100 },
    );
  });
});

describe("targets", () => {
  it("come from relabeled addresses", () => {
    const job = jobOf({ labels: { env: "t" } });
    const rules: RelabelConfig[] = [
      { source_labels: ["__meta_on"], regex: "no", action: "drop" },
      { source_labels: ["__address__"], target_label: "host", regex: "([^:]+):.*" },
      { target_label: "__metrics_path__", replacement: "/m" },
      { action: "labelmap", regex: "__meta_(.+)" },
    ];
    const relabel = relabeler(rules, "");
    const specs = [
      ...targetsOf(job, { targets: ["a:1"], labels: { __meta_on: "yes", __param_x: "y" } }, relabel, (labels) => labels),
      ...targetsOf(job, { targets: ["b:1"], labels: { __meta_on: "no" } }, relabel, (labels) => labels),
    ];
    expect(specs.map(({ url, labels }) => [url.href, labels])).toEqual([
      ["http://a:1/m?x=y", { instance: "a:1", job: "j", env: "t", host: "a", on: "yes" }],
    ]);
    expect(() =>
      targetsOf(
        job,
        { targets: ["http://a/b"] },
        (labels) => labels,
        (labels) => labels,
      ),
    ).toThrow(/host:port/);
  });

  it("are read from lists, whose faults have a place", () => {
    expect(readGroups('[{"targets":["a:1"],"labels":{"b":"c"}},{"targets":[]}]')).toHaveLength(2);
    for (const [text, where] of [
      ["{}", ""],
      ["[1]", "/0/targets"],
      ['[{"targets":[1]}]', "/0/targets"],
      ['[{"targets":[],"labels":{"a":1}}]', "/0/labels"],
      ["- targets:", ""],
    ])
      expect(() => readGroups(text)).toThrow(expect.objectContaining({ code: "service_list_invalid", where }));
    fc.assert(
      fc.property(fc.json(), (text) => {
        try {
          readGroups(text);
        } catch (error) {
          expect(error).toMatchObject({ code: "service_list_invalid" });
        }
      }),
    );
  });
});

describe("the plugin", () => {
  it("scrapes at each target's own place in the interval, and follows its service list", async () => {
    const folder = mkdtempSync(join(tmpdir(), "alluse-scrape-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const addresses = await Promise.all([1, 2, 3].map((n) => serve((_request, response) => response.end(`served ${n}\n`))));
    const path = join(folder, "services.json");
    const write = (text: string): void => {
      writeFileSync(`${path}.new`, text);
      renameSync(`${path}.new`, path);
    };
    write(JSON.stringify([{ targets: addresses.slice(0, 2), labels: { list: "yes" } }]));
    const ctx = contextOf();
    const config = configOf([{ job_name: "j", service_lists: [path], scrape_interval_ms: 2000 }]);
    const collector = plugin(ctx, config);
    await collector.start!(ctx.signal);

    const last = (address: string) =>
      ctx.emitted.findLast(({ name, labels }) => name === "served" && labels["instance"] === address);
    const until = async (what: () => boolean): Promise<void> => {
      for (let i = 0; i < 3000 && !what(); i++) {
        await ctx.advance(100);
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
      expect(what()).toBe(true);
    };
    await until(() => last(addresses[0]) !== undefined && last(addresses[1]) !== undefined);
    expect(last(addresses[0])!.labels).toMatchObject({ list: "yes" });
    const times = new Set(
      ctx.emitted.filter(({ labels }) => labels["instance"] === addresses[0]).map((one) => one.timestampMs % 2000),
    );
    expect(times.size).toBe(1);

    write("[{");
    await until(() => ctx.states.at(-1)?.state === "degraded");
    expect(ctx.states.at(-1)!.reason).toContain("services.json: it is no JSON");
    write(JSON.stringify([{ targets: addresses.slice(1), labels: { list: "yes" } }]));
    await until(() => last(addresses[2]) !== undefined);
    // The one that left the list has ended, its `up` too.
    expect(last(addresses[0])!.value).toBeNaN();
    const up = ctx.emitted.findLast(({ name, labels }) => name === "up" && labels["instance"] === addresses[0]);
    expect(up!.value).toBeNaN();
    expect(ctx.states.at(-1)!.state).toBe("ok");
    await collector.stop!();
  });
});
