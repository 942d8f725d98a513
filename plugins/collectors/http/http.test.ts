import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { fillConfig, type Manifest } from "all-use-agent/sdk";
import { conformanceChecks } from "all-use-agent/sdk/conformance";
import { TestContext } from "all-use-agent/sdk/testing";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, test } from "vitest";
import { nextLink, retryAfter } from "./http-answer.ts";
import plugin from "./index.ts";

const manifest = JSON.parse(readFileSync(join(import.meta.dirname, "plugin.json"), "utf8")) as Manifest;
const START = Date.UTC(2026, 0, 5, 12);
const MINUTE = 60_000;

interface Asked {
  readonly url: URL;
  readonly method: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

let server: Server;
let origin: string;
let asked: Asked[];
let answer: (asked: Asked, response: ServerResponse) => void;

beforeEach(async () => {
  asked = [];
  server = createServer((request, response) => {
    let body = "";
    request.on("data", (text: Buffer) => (body += text.toString()));
    request.on("end", () => {
      const one = { url: new URL(request.url!, origin), method: request.method!, headers: request.headers, body };
      asked.push(one);
      answer(one, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

/** A context whose way out is real. */
function context(startMs = START): TestContext {
  const ctx = new TestContext(manifest, { startMs });
  ctx.outside.onFetch = async (url, { method = "GET", headers = {}, body }) => {
    const found = await fetch(url, {
      method,
      headers: { ...headers },
      ...(body !== undefined && { body: body as string }),
    }).catch((cause: unknown) => {
      throw Object.assign(new Error("fetch_failed", { cause }));
    });
    return { status: found.status, headers: Object.fromEntries(found.headers), body: new Uint8Array(await found.arrayBuffer()) };
  };
  return ctx;
}

async function start(ctx: TestContext, ...sources: object[]): Promise<void> {
  await plugin(ctx, fillConfig(manifest.config!, { sources }) as never).start?.(ctx.signal);
}

const json = (response: ServerResponse, body: unknown, headers: Record<string, string> = {}) =>
  response.writeHead(200, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
const own = (ctx: TestContext) => ctx.emitted.filter(({ name }) => !name.startsWith("alluse_batch_"));
const source = () => ({
  name: "accounts",
  every: "1m",
  zone: "UTC",
  url: `${origin}/accounts`,
  rows: "/data/items",
  time_column: "at",
  time_format: "unix_s",
  labels: { account: "id" },
  values: [{ column: "/figures/balance", metric: "balance_usd" }],
});
const item = (i: number) => ({ at: START / 1000 - 3600 + i, id: "G1", figures: { balance: i } });

it("asks with its secret and makes samples of the rows at a pointer", async () => {
  answer = (_, response) => json(response, { data: { items: [item(1), 7, item(2)] } });
  const ctx = context();
  await start(ctx, { ...source(), auth: "Bearer s3cret", headers: { "x-team": "a" } });
  await ctx.advance(MINUTE);
  expect(own(ctx)).toEqual([
    { name: "balance_usd", labels: { account: "G1" }, timestampMs: START - 3_599_000, value: 1 },
    { name: "balance_usd", labels: { account: "G1" }, timestampMs: START - 3_598_000, value: 2 },
  ]);
  expect(asked[0].headers).toMatchObject({ authorization: "Bearer s3cret", "x-team": "a" });
});

it("asks for what is new, and is told when nothing is", async () => {
  answer = ({ headers }, response) => {
    if (headers["if-none-match"] === '"v1"') response.writeHead(304).end();
    else json(response, { data: { items: [item(5)] } }, { etag: '"v1"', "last-modified": "Mon, 05 Jan 2026 11:00:00 GMT" });
  };
  const ctx = context();
  await start(ctx, { ...source(), url: `${origin}/accounts?from={mark}&x=1`, overlap: "1s" });
  await ctx.advance(2 * MINUTE);
  expect(asked.map(({ url }) => url.searchParams.get("from"))).toEqual(["1970-01-01T00:00:00Z", "2026-01-05T11:00:04.000Z"]);
  expect(asked[1].headers["if-modified-since"]).toBe("Mon, 05 Jan 2026 11:00:00 GMT");
  expect(own(ctx)).toHaveLength(1);
  expect(ctx.states.at(-1)).toMatchObject({ state: "ok" });
});

it("sends a body with POST", async () => {
  answer = (_, response) => json(response, { data: { items: [] } });
  const ctx = context();
  await start(ctx, { ...source(), method: "POST", body: '{"since":{mark}}', mark_format: "unix_ms", mark_start: "0" });
  await ctx.advance(MINUTE);
  expect(asked[0]).toMatchObject({ method: "POST", body: '{"since":0}' });
});

describe("pages", () => {
  const all = Array.from({ length: 25 }, (_, i) => item(i));
  const slice = (from: number, size: number) => ({ data: { items: all.slice(from, from + size) } });
  const numbers = (ctx: TestContext) => own(ctx).map(({ value }) => value);
  const every = all.map((_, i) => i);

  it.each<[string, object, (asked: Asked, response: ServerResponse) => void]>([
    [
      "a Link header",
      { page_by: "link" },
      ({ url }, response) => {
        const from = Number(url.searchParams.get("from") ?? 0);
        json(response, slice(from, 10), from < 20 ? { link: `</first>; rel="first", <?from=${from + 10}>; rel="next"` } : {});
      },
    ],
    [
      "a next address in the answer",
      { page_by: "link", next: "/next" },
      ({ url }, response) => {
        const from = Number(url.searchParams.get("from") ?? 0);
        json(response, { ...slice(from, 10), next: from < 20 ? `${origin}/accounts?from=${from + 10}` : null });
      },
    ],
    [
      "a cursor",
      { page_by: "cursor", next: "/meta/cursor", page_parameter: "after" },
      ({ url }, response) => {
        const from = Number(url.searchParams.get("after")?.slice(1) ?? 0);
        json(response, { ...slice(from, 10), meta: { cursor: from < 20 ? `c${from + 10}` : "" } });
      },
    ],
    [
      "an offset",
      { page_by: "offset", page_parameter: "offset", page_size: 10 },
      ({ url }, response) => json(response, slice(Number(url.searchParams.get("offset") ?? 0), 10)),
    ],
    [
      "the page's number",
      { page_by: "page", page_parameter: "page", page_size: 10 },
      ({ url }, response) => json(response, slice((Number(url.searchParams.get("page") ?? 1) - 1) * 10, 10)),
    ],
  ])("are followed by %s", async (_name, change, answers) => {
    answer = answers;
    const ctx = context();
    await start(ctx, { ...source(), ...change });
    await ctx.advance(MINUTE);
    expect(numbers(ctx)).toEqual(every);
    expect(asked).toHaveLength(3);
  });

  it("go on with the next run where there are too many for one, and after a stop", async () => {
    answer = ({ url }, response) => json(response, slice(Number(url.searchParams.get("offset") ?? 0), 10));
    const paged = { ...source(), page_by: "offset", page_parameter: "offset", page_size: 10, pages_max: 2 };
    const ctx = context();
    await start(ctx, paged);
    await ctx.advance(MINUTE);
    expect(numbers(ctx)).toEqual(every.slice(0, 20));
    const after = context(START + MINUTE);
    for (const [name, bytes] of ctx.stored) after.stored.set(name, bytes);
    await ctx.dispose();
    await start(after, paged);
    await after.advance(MINUTE);
    expect(numbers(after)).toEqual(every.slice(20));
  });

  it("are not followed to another server, nor in a circle", async () => {
    answer = (_, response) => json(response, slice(0, 1), { link: '<http://other.example/x>; rel="next"' });
    const ctx = context();
    await start(ctx, { ...source(), page_by: "link" });
    await ctx.advance(MINUTE);
    expect(ctx.states.at(-1)?.reason).toMatch(/another server: other\.example/);
    answer = (_, response) => json(response, slice(0, 1), { link: '</accounts?same=1>; rel="next"' });
    await ctx.advance(MINUTE);
    expect(ctx.states.at(-1)?.reason).toMatch(/same page/);
  });
});

it.each<[string, string, string, object]>([
  ["jsonl", "application/x-ndjson", '{"at":1767600000,"id":"G1","x":5}\n{"at":1767600001,"id":"G1","x":6}', {}],
  ["csv", "text/csv", "at;id;x\n1767600000;G1;5\n1767600001;G1;6\n", { delimiter: ";" }],
  ["openmetrics", "text/plain", '# TYPE x gauge\nx{account="G1"} 5 1767600000\nx{account="G1"} 6 1767600001\n# EOF\n', {}],
])("reads %s", async (format, type, body, change) => {
  answer = (_, response) => response.writeHead(200, { "content-type": type }).end(body);
  const ctx = context();
  await start(ctx, { ...source(), format, values: [{ column: "x" }], ...change });
  await ctx.advance(MINUTE);
  expect(own(ctx).map(({ labels, timestampMs, value }) => [labels["account"], timestampMs, value])).toEqual([
    ["G1", 1767600000000, 5],
    ["G1", 1767600001000, 6],
  ]);
});

describe("trouble", () => {
  it("waits as long as the server says", async () => {
    answer = (_, response) => {
      if (asked.length === 1) response.writeHead(429, { "retry-after": "20" }).end();
      else json(response, { data: { items: [item(1)] } });
    };
    const ctx = context();
    await start(ctx, { ...source(), every: "1h", run_at_start: true });
    await ctx.advance(15_000);
    expect(asked).toHaveLength(1);
    expect(ctx.states.at(-1)?.reason).toMatch(/answered 429; it is tried again in 20 s/);
    await ctx.advance(10_000);
    expect(asked).toHaveLength(2);
    expect(own(ctx)).toHaveLength(1);
  });

  it("tries again, more and more seldom, what may pass", async () => {
    answer = (_, response) => response.writeHead(502).end();
    const ctx = context();
    await start(ctx, { ...source(), every: "1h", run_at_start: true });
    await ctx.advance(5 * MINUTE);
    expect(asked.length).toBeGreaterThan(4);
    expect(asked.length).toBeLessThan(9);
  });

  it("asks no more before its time when the answer would be the same", async () => {
    answer = (_, response) => response.writeHead(403).end();
    const ctx = context();
    await start(ctx, { ...source(), url: `${origin}/accounts?key=hidden`, every: "10m", run_at_start: true });
    await ctx.advance(9 * MINUTE);
    expect(asked).toHaveLength(1);
    expect(ctx.states.at(-1)?.reason).toMatch(/answered 403: see auth/);
    expect(ctx.states.at(-1)?.reason).not.toContain("hidden");
  });

  it.each([
    ["no JSON", "<html>", /not JSON/],
    ["no rows", '{"data":{}}', /no rows at "\/data\/items"/],
  ])("says that there is %s", async (_name, body, message) => {
    answer = (_, response) => response.writeHead(200).end(body);
    const ctx = context();
    await start(ctx, source());
    await ctx.advance(MINUTE);
    expect(ctx.states.at(-1)?.reason).toMatch(message);
  });
});

it("reads Retry-After and Link as they are specified, and ends with anything", () => {
  expect(retryAfter("120", 0)).toBe(120_000);
  expect(retryAfter("Mon, 05 Jan 2026 12:01:00 GMT", START)).toBe(MINUTE);
  expect(retryAfter("soon", 0)).toBe(null);
  expect(nextLink('<a>; rel="prev"; title="x", <b?p=2,3>; foo; rel="last next"')).toBe("b?p=2,3");
  expect(nextLink("<a>; rel=next")).toBe("a");
  fc.assert(fc.property(fc.string(), (text) => (nextLink(text), retryAfter(text, 0), true)));
});

describe("conformance with a source at work", () => {
  const sources = [{ name: "a", every: "1m", run_at_start: true, url: "http://127.0.0.1:9/x", values: [{ column: "x" }] }];
  for (const { name, run } of conformanceChecks(manifest, () => import("./index.ts"), {
    config: { sources },
    ticks: 500,
    memoryMs: 1000,
  }))
    test(name, run);
});
