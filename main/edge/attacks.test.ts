/** What an attacker may send to the door, over a real listener. docs/api.md lists the same attacks. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { request as httpRequest } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createDoor } from "../api/door.ts";
import { MemoryAgent, recommendation, routeOf, TEST_TOKEN } from "../api/testing.ts";
import { cookieValue } from "../api/token.ts";
import { type Listener, listen } from "./listener.ts";

interface Sent {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string | Uint8Array;
}
interface Got {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly body: string;
}

describe("the door refuses", () => {
  let root: string;
  let listener: Listener;
  let open: Listener;
  const agent = new MemoryAgent();

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), "alluse-attacks-"));
    await mkdir(join(root, "page"));
    await writeFile(join(root, "page/index.html"), "<!doctype html><title>page</title>");
    await writeFile(join(root, "token"), "secret");
    agent.advice = [recommendation("r1")];
    agent.routes.set(
      "GET /metrics",
      routeOf(async () => ({ status: 200, contentType: "text/plain", body: "up 1\n" })),
    );
    agent.routes.set(
      "POST /receive",
      routeOf(async ({ body }) => ({
        status: 200,
        contentType: "text/plain",
        body: String((await body()).length),
      })),
    );
    listener = await listen(0, createDoor(agent, { auth: { mode: "token", token: TEST_TOKEN }, pageDir: join(root, "page") }));
    open = await listen(0, createDoor(agent, { auth: { mode: "none" }, pageDir: join(root, "page") }));
  });
  afterAll(async () => {
    await listener.close();
    await open.close();
    await rm(root, { recursive: true });
  });

  /** node:http, because fetch would not send forged headers nor paths with dots. */
  function send(path: string, { method = "GET", headers = {}, body }: Sent = {}, port = listener.port): Promise<Got> {
    return new Promise((resolve, reject) => {
      const outgoing = httpRequest({ host: "127.0.0.1", port, path, method, headers, agent: false }, (incoming) => {
        let text = "";
        incoming.setEncoding("utf8");
        incoming.on("data", (chunk: string) => (text += chunk));
        incoming.on("end", () => resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body: text }));
      });
      outgoing.on("error", reject);
      outgoing.end(body);
    });
  }

  /** Bytes as they are, for what node:http would not send. Resolves with all that came back. */
  function sendRaw(text: string, port = listener.port): Promise<string> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, "127.0.0.1", () => socket.write(text));
      let got = "";
      socket.on("data", (chunk) => (got += String(chunk)));
      socket.on("close", () => resolve(got));
      socket.on("error", reject);
    });
  }

  const bearer = { Authorization: `Bearer ${TEST_TOKEN}` };
  const cookie = () => ({ Cookie: `alluse_${listener.port}=${cookieValue(TEST_TOKEN)}` });
  const origin = () => `http://127.0.0.1:${listener.port}`;
  const dismiss = "/api/agent/recommendations/r1/dismiss";
  const json = { "Content-Type": "application/json" };
  const reason = JSON.stringify({ reason: "x" });

  describe("a forged host", () => {
    it.each([
      "evil.example",
      "evil.example:8420",
      "127.0.0.1.evil.example",
      "localhost.evil.example",
      "app",
      "0.0.0.0",
      "[::2]",
      "127.0.0.1@evil.example",
      "127.1",
      "localhost.",
    ])("%s", async (host) => {
      const got = await send("/api/agent/status", { headers: { ...bearer, Host: host } });
      // What no URL can be made of does not even reach the door.
      expect([400, 421]).toContain(got.status);
      expect(got.body).not.toContain("version");
      expect([400, 421]).toContain((await send("/-/healthy", { headers: { Host: host } })).status);
      expect([400, 421]).toContain((await send("/api/agent/status", { headers: { Host: host } }, open.port)).status);
    });

    it("beside a right one, or in the request line", async () => {
      const twice = `GET /-/healthy HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n`;
      expect(await sendRaw(twice)).toMatch(/^HTTP\/1.1 4/);
      const absolute = `GET http://evil.example/-/healthy HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n`;
      expect(await sendRaw(absolute)).toMatch(/^HTTP\/1.1 421/);
      const behind = `GET http://127.0.0.1/-/healthy HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n`;
      expect(await sendRaw(behind)).toMatch(/^HTTP\/1.1 421/);
      expect(await sendRaw("GET /-/healthy HTTP/1.1\r\nConnection: close\r\n\r\n")).toMatch(/^HTTP\/1.1 400/);
    });

    it("but answers for every loopback name, with the port of a tunnel too", async () => {
      for (const host of ["127.0.0.1", `localhost:${listener.port}`, "LOCALHOST", "[::1]:9000", "127.0.0.1:9000"]) {
        expect((await send("/-/healthy", { headers: { Host: host } })).status).toBe(200);
      }
    });
  });

  describe("a forged origin", () => {
    const foreign = ["http://evil.example", "null", "http://127.0.0.1:1", "http://localhost", "https://127.0.0.1"];

    it.each(foreign)("%s, on what changes state, even with the token", async (from) => {
      for (const proof of [bearer, cookie()]) {
        const got = await send(dismiss, { method: "POST", headers: { ...proof, ...json, Origin: from }, body: reason });
        expect([got.status, got.body]).toEqual([403, expect.stringContaining('"origin_refused"')]);
      }
      expect((await send(dismiss, { method: "POST", headers: { ...json, Origin: from }, body: reason }, open.port)).status).toBe(
        403,
      );
      expect((await send("/api/v1/admin/seal", { method: "POST", headers: { ...bearer, Origin: from } })).status).toBe(403);
      expect(agent.store.sealed).toBe(0);
      expect(agent.advice[0].status).toBe("open");
    });

    it.each(foreign)("%s, on reading by the page's cookie", async (from) => {
      expect((await send("/api/agent/status", { headers: { ...cookie(), Origin: from } })).status).toBe(403);
      expect((await send("/metrics", { headers: { ...cookie(), Origin: from } })).status).toBe(403);
    });
  });

  describe("a page of another site", () => {
    it.each(["cross-site", "same-site", "nonsense"])("that the browser calls %s", async (site) => {
      const headers = { ...cookie(), "Sec-Fetch-Site": site };
      expect((await send("/api/agent/status", { headers })).status).toBe(403);
      expect((await send("/api/v1/query?query=1", { headers })).status).toBe(403);
      expect((await send("/", { headers: { ...headers, "Sec-Fetch-Mode": "no-cors" } })).status).toBe(403);
      expect((await send(dismiss, { method: "POST", headers: { ...headers, ...json }, body: reason })).status).toBe(403);
      expect((await send("/api/agent/status", { headers: { "Sec-Fetch-Site": site } }, open.port)).status).toBe(403);
    });

    it("that navigates to an API, though a link to the page may be followed", async () => {
      const headers = { ...cookie(), "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate" };
      expect((await send("/api/agent/status", { headers })).status).toBe(403);
      expect((await send("/metrics", { headers })).status).toBe(403);
      expect((await send("/", { headers })).status).toBe(200);
    });

    it("that sends a change with the cookie and names no origin at all", async () => {
      expect((await send(dismiss, { method: "POST", headers: { ...cookie(), ...json }, body: reason })).status).toBe(403);
      expect(agent.advice[0].status).toBe("open");
    });

    it("that asks beforehand whether it may (CORS preflight)", async () => {
      const headers = { Origin: "http://evil.example", "Access-Control-Request-Method": "POST" };
      const got = await send(dismiss, { method: "OPTIONS", headers });
      expect(got.status).toBe(403);
      expect(Object.keys(got.headers).filter((name) => name.startsWith("access-control"))).toEqual([]);
    });
  });

  describe("who has no token", () => {
    it.each([
      ["nothing", {}],
      ["a wrong token", { Authorization: `Bearer ${"0".repeat(64)}` }],
      ["a part of the token", { Authorization: `Bearer ${TEST_TOKEN.slice(1)}` }],
      ["an empty token", { Authorization: "Bearer " }],
      ["another scheme", { Authorization: `Basic ${TEST_TOKEN}` }],
      ["the bare token", { Authorization: TEST_TOKEN }],
    ])("with %s", async (_what, headers) => {
      for (const path of ["/api/agent/status", "/api/v1/query?query=1", "/metrics", "/", "/nothing", "/api/nothing"]) {
        const got = await send(path, { headers });
        expect([path, got.status]).toEqual([path, 401]);
        expect(got.headers["www-authenticate"]).toBe("Bearer");
      }
    });

    it("with a cookie of another name, or the token itself in the cookie", async () => {
      for (const text of [
        `alluse_${listener.port + 1}=${cookieValue(TEST_TOKEN)}`,
        `alluse_${listener.port}=${TEST_TOKEN}`,
        `alluse_${listener.port}=`,
        `alluse_${listener.port}`,
        `alluse=${cookieValue(TEST_TOKEN)}`,
        "",
      ]) {
        expect((await send("/api/agent/status", { headers: { Cookie: text } })).status).toBe(401);
      }
    });

    it("with a wrong token beside a right cookie", async () => {
      expect((await send("/api/agent/status", { headers: { ...cookie(), Authorization: "Bearer x" } })).status).toBe(401);
    });

    it("with the token in the address of anything but the page", async () => {
      expect((await send(`/api/agent/status?token=${TEST_TOKEN}`)).status).toBe(401);
      expect((await send(`/metrics?token=${TEST_TOKEN}`)).status).toBe(401);
    });

    it("in the shape of each API, and to people as a page that says what to do", async () => {
      expect(JSON.parse((await send("/api/agent/status")).body)).toMatchObject({ error: { code: "unauthorized" } });
      expect(JSON.parse((await send("/api/v1/query?query=1")).body)).toMatchObject({
        status: "error",
        errorType: "unauthorized",
      });
      const page = await send("/", { headers: { Accept: "text/html,*/*" } });
      expect([page.status, page.headers["content-type"]]).toEqual([401, "text/html; charset=utf-8"]);
      expect(page.body).toContain("alluse status");
      expect(page.body).not.toMatch(/<style|<script|style=/);
      const wrong = await send("/?token=<script>", { headers: { Accept: "text/html" } });
      expect([wrong.status, wrong.headers["set-cookie"]]).toEqual([401, undefined]);
      expect(wrong.body).not.toContain("<script>");
    });
  });

  describe("a body", () => {
    it.each(["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "", "application/json5"])(
      "of type %j where JSON is meant",
      async (type) => {
        const headers = { ...bearer, ...(type !== "" && { "Content-Type": type }) };
        expect((await send(dismiss, { method: "POST", headers, body: reason })).status).toBe(415);
      },
    );

    it("of JSON where a form is meant", async () => {
      expect(
        (await send("/api/v1/query", { method: "POST", headers: { ...bearer, ...json }, body: '{"query":"1"}' })).status,
      ).toBe(415);
    });

    it("that is too large, announced or in chunks", async () => {
      const large = "x".repeat(70_000);
      expect((await send(dismiss, { method: "POST", headers: { ...bearer, ...json }, body: large })).status).toBe(413);
      const chunked = { ...bearer, ...json, "Transfer-Encoding": "chunked" };
      expect((await send(dismiss, { method: "POST", headers: chunked, body: large })).status).toBe(413);
      const form = { ...bearer, "Content-Type": "application/x-www-form-urlencoded" };
      expect(
        (await send("/api/v1/query", { method: "POST", headers: form, body: `query=${"1".repeat(1024 * 1024)}` })).status,
      ).toBe(413);
    });

    it("that unfolds to more than it may", async () => {
      const bomb = gzipSync(Buffer.alloc(80 * 1024 * 1024));
      expect(bomb.length).toBeLessThan(100_000);
      const got = await send("/receive", { method: "POST", headers: { ...bearer, "Content-Encoding": "gzip" }, body: bomb });
      expect(got.status).toBe(413);
      expect((await send("/receive", { method: "POST", headers: bearer, body: "12345" })).body).toBe("5");
    });

    it("smuggled behind a second length", async () => {
      const both = `POST ${dismiss} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`;
      expect(await sendRaw(both)).toMatch(/^HTTP\/1.1 400/);
    });
  });

  describe("a path out of the page's folder", () => {
    it.each([
      "/../token",
      "/%2e%2e/token",
      "/..%2ftoken",
      "/%2e%2e%2ftoken",
      "/..%5ctoken",
      "/assets/..%2f..%2ftoken",
      "//token",
      "/%252e%252e%252ftoken",
      "/index.html%00.js",
    ])("%s", async (path) => {
      const got = await send(path, { headers: bearer });
      expect([400, 404]).toContain(got.status);
      expect(got.body).not.toContain("secret");
    });

    it("with bytes that no address has", async () => {
      expect(await sendRaw(`GET /..\\token HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n`)).toMatch(/^HTTP\/1.1 400/);
    });
  });

  it("headers and addresses beyond all measure, and methods that nothing takes", async () => {
    expect((await send(`/api/v1/query?query=${"1".repeat(40_000)}`, { headers: bearer })).status).toBe(431);
    expect((await send("/-/healthy", { headers: { "X-Large": "x".repeat(40_000) } })).status).toBe(431);
    expect((await send("/", { method: "DELETE", headers: bearer })).status).toBe(405);
    expect((await send("/-/healthy", { method: "POST" })).status).toBe(405);
    expect(await sendRaw("NONSENSE\r\n\r\n")).toMatch(/^HTTP\/1.1 400/);
  });

  it("to be framed, sniffed or read from elsewhere: the same headers on every answer", async () => {
    const answers = [
      await send("/-/healthy"),
      await send("/", { headers: bearer }),
      await send("/"),
      await send("/api/agent/status", { headers: bearer }),
      await send("/api/agent/status"),
      await send("/api/v1/query", { headers: bearer }),
      await send("/metrics", { headers: bearer }),
      await send("/api/agent/status", { headers: bearer, method: "HEAD" }),
      await send("/", { headers: bearer, method: "HEAD" }),
      await send("/nothing", { headers: bearer }),
      await send("/-/healthy", { headers: { Host: "evil.example" } }),
      await send("/-/healthy", { headers: { Host: "a b" } }),
      await send("/-/healthy", { headers: { "X-Large": "x".repeat(40_000) } }),
      await send(`/?token=${TEST_TOKEN}`),
    ];
    for (const { headers, status } of answers) {
      const policy = String(headers["content-security-policy"]);
      for (const part of [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
      ]) {
        expect([status, policy]).toEqual([status, expect.stringContaining(part)]);
      }
      expect(headers).toMatchObject({
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
      });
      expect(headers["access-control-allow-origin"]).toBeUndefined();
    }
    expect(answers[3].headers["cache-control"]).toBe("no-store");
  });

  describe("nobody who signs in", () => {
    it("by the page's address: the token leaves it and a strict cookie stays", async () => {
      const got = await send(`/?token=${TEST_TOKEN}`);
      expect([got.status, got.headers.location]).toEqual([303, "/"]);
      const set = String(got.headers["set-cookie"]);
      expect(set).toMatch(new RegExp(`^alluse_${listener.port}=`));
      for (const part of ["HttpOnly", "SameSite=Strict", "Path=/"]) expect(set).toContain(part);
      expect(set).not.toContain(TEST_TOKEN);
      const headers = { Cookie: `other=1; ${set.split(";")[0]}` };
      expect((await send("/", { headers })).body).toContain("<title>page");
      expect((await send("/api/agent/status", { headers: { ...headers, "Sec-Fetch-Site": "same-origin" } })).status).toBe(200);
      const change = { ...headers, ...json, Origin: origin(), "Sec-Fetch-Site": "same-origin" };
      expect((await send(dismiss, { method: "POST", headers: change, body: reason })).status).toBe(200);
    });

    it("by the header, from a program that names no origin", async () => {
      expect((await send(dismiss, { method: "POST", headers: { ...bearer, ...json }, body: reason })).status).toBe(200);
    });
  });

  it("nobody where no token is asked for, except foreign hosts and pages", async () => {
    expect((await send("/api/agent/status", {}, open.port)).status).toBe(200);
    expect((await send("/", {}, open.port)).body).toContain("<title>page");
    const got = await send("/?token=x", {}, open.port);
    expect([got.status, got.headers["set-cookie"]]).toEqual([303, undefined]);
  });
});
