import type { ErrorReport } from "all-use-agent/sdk";
import { beforeEach, describe, expect, it } from "vitest";
import { createDoor } from "./door.ts";
import { webDoor } from "./exchange.ts";
import { MemoryAgent, recommendation, routeOf } from "./testing.ts";

describe("the agent's own routes", () => {
  let agent: MemoryAgent;
  let door: ReturnType<typeof webDoor>;
  beforeEach(() => {
    agent = new MemoryAgent();
    door = webDoor(createDoor(agent, { auth: { mode: "none" }, pageDir: null }));
  });

  const send = (path: string, init?: RequestInit) => door(new Request(`http://127.0.0.1:8420${path}`, init));
  const json = (body: unknown): RequestInit => ({
    method: "POST",
    body: JSON.stringify(body),
    headers: { "Content-Type": "application/json" },
  });
  async function refused(response: Response): Promise<ErrorReport["error"] & { status: number }> {
    const { error } = (await response.json()) as ErrorReport;
    return { ...error, status: response.status };
  }

  it("tell of status, plugins, panels and recommendations", async () => {
    agent.advice = [recommendation("r1")];
    expect(await (await send("/api/agent/status")).json()).toMatchObject({ version: "0.1.0", shell: "edge" });
    expect(await (await send("/api/agent/plugins")).json()).toEqual({ plugins: [] });
    expect(await (await send("/api/agent/panels")).json()).toMatchObject({ panels: [{ panel: "collectors/host/cpu" }] });
    expect(await (await send("/api/agent/recommendations")).json()).toEqual({ recommendations: [recommendation("r1")] });
  });

  it("dismiss a recommendation with a reason, whatever its id is made of", async () => {
    const id = "recommenders/capacity:disk:/data:free#1 ü";
    agent.advice = [recommendation(id)];
    const response = await send(`/api/agent/recommendations/${encodeURIComponent(id)}/dismiss`, json({ reason: "known" }));
    expect(await response.json()).toMatchObject({ id, status: "dismissed", decision: "known" });
    expect(await refused(await send("/api/agent/recommendations/x/dismiss", json({ reason: "known" })))).toMatchObject({
      status: 404,
      code: "recommendation_unknown",
      where: "id",
    });
  });

  it.each([
    [{}, "body_invalid"],
    [{ reason: 1 }, "body_invalid"],
    [{ reason: "x", other: 1 }, "body_invalid"],
    [{ reason: "x".repeat(501) }, "body_invalid"],
    [[], "body_invalid"],
    [null, "body_invalid"],
  ])("refuse the body %j by the schema that they publish", async (body, code) => {
    expect(await refused(await send("/api/agent/recommendations/r1/dismiss", json(body)))).toMatchObject({ status: 400, code });
  });

  it("take times in seconds, milliseconds and RFC 3339", async () => {
    const fromMs = Date.UTC(2026, 10, 22, 12);
    for (const from of [String(fromMs), String(fromMs / 1000), "2026-11-22T12:00:00Z"]) {
      const { findings } = (await (await send(`/api/agent/findings?from=${from}`)).json()) as { findings: { metric: string }[] };
      expect(findings[0].metric).toBe(`${fromMs}..${agent.nowMs}`);
    }
    const { gaps } = (await (await send("/api/agent/gaps")).json()) as { gaps: { fromMs: number }[] };
    expect(gaps[0].fromMs).toBe(agent.nowMs - 86_400_000);
  });

  it.each([
    "/api/agent/findings?from=x",
    "/api/agent/findings?from=2&to=1",
    "/api/agent/findings?limit=0",
    "/api/agent/findings?limit=5001",
    "/api/agent/forecast?query=up&horizon_ms=1000",
    "/api/agent/forecast?horizon_ms=1000&step_ms=10",
    "/api/agent/forecast?query=up&horizon_ms=1e9&step_ms=10",
    "/api/agent/forecast?query=up&horizon_ms=1000000&step_ms=1",
  ])("refuse %s, naming the parameter", async (path) => {
    const error = await refused(await send(path));
    expect(error).toMatchObject({ status: 400, code: "parameter_invalid" });
    expect(error.message).toContain(error.where);
  });

  it("forecast", async () => {
    const report = (await (await send("/api/agent/forecast?query=up&horizon_ms=60000&step_ms=10000")).json()) as {
      series: { expected: number[] }[];
    };
    expect(report.series[0].expected).toHaveLength(6);
  });

  it("move a simulated clock, and no other", async () => {
    expect(await refused(await send("/api/agent/clock", json({ advance_ms: 1000 })))).toMatchObject({
      status: 409,
      code: "clock_not_simulated",
    });
    agent.simulated = true;
    const before = agent.nowMs;
    expect(await (await send("/api/agent/clock", json({ advance_ms: 1000 }))).json()).toEqual({ nowMs: before + 1000 });
    expect(await refused(await send("/api/agent/clock", json({ advance_ms: -1 })))).toMatchObject({ status: 400 });
  });

  it("are described by a document that names each of them, with its methods", async () => {
    const document = (await (await send("/api/agent/openapi.json")).json()) as {
      openapi: string;
      paths: Record<string, Record<string, { responses: object }>>;
    };
    expect(document.openapi).toBe("3.1.0");
    expect(Object.keys(document.paths)).toEqual(
      expect.arrayContaining(["/api/agent/status", "/api/agent/recommendations/{id}/dismiss", "/api/v1/query"]),
    );
    for (const [path, operations] of Object.entries(document.paths)) {
      for (const method of Object.keys(operations)) {
        const response = await send(path.replaceAll(/\{\w+\}/g, "x"), { method: method.toUpperCase() });
        expect([path, method, response.status]).not.toEqual([path, method, 405]);
        if (response.status === 404) expect(await response.text()).toContain("x");
        else await response.body?.cancel();
      }
      const other = await send(path.replaceAll(/\{\w+\}/g, "x"), { method: "DELETE" });
      expect(other.status).toBe(405);
    }
  });

  it("pass a plugin's route on to the plugin, with the body decompressed", async () => {
    const { gzipSync } = await import("node:zlib");
    agent.routes.set(
      "GET /metrics",
      routeOf(async ({ header }) => ({
        status: 200,
        contentType: "text/plain; version=0.0.4",
        body: `up 1\n# ${header("accept") ?? "nothing"}\n`,
      })),
    );
    agent.routes.set(
      "POST /v1/metrics",
      routeOf(async ({ body, query }) => ({
        status: 202,
        contentType: "text/plain",
        body: `${(await body()).length} ${query.get("q") ?? "nothing"}`,
      })),
    );
    const metrics = await send("/metrics", { headers: { Accept: "text/plain" } });
    expect(metrics.headers.get("content-type")).toBe("text/plain; version=0.0.4");
    expect(await metrics.text()).toBe("up 1\n# text/plain\n");
    const received = await send("/v1/metrics?q=1", {
      method: "POST",
      body: gzipSync(Buffer.alloc(1000)),
      headers: { "Content-Encoding": "gzip" },
    });
    expect([received.status, await received.text()]).toEqual([202, "1000 1"]);
  });

  it("answer what a plugin throws as an error in words, and go on", async () => {
    agent.routes.set(
      "GET /metrics",
      routeOf(async () => {
        throw new TypeError("x is not a function");
      }),
    );
    const response = await send("/metrics");
    expect([response.status, await response.text()]).toEqual([500, "The agent failed inside: x is not a function.\n"]);
    expect((await send("/-/healthy")).status).toBe(200);
  });

  it("answer what does not exist with its own sentence", async () => {
    expect(await refused(await send("/api/agent/nothing"))).toMatchObject({ status: 404, code: "not_found" });
    expect(await refused(await send("/api/agent/status", { method: "POST" }))).toMatchObject({
      status: 405,
      code: "method_not_allowed",
    });
    const page = await send("/nothing");
    expect([page.status, page.headers.get("content-type"), await page.text()]).toEqual([
      404,
      "text/plain; charset=utf-8",
      "There is nothing at this address; the page is at /.\n",
    ]);
    expect(await (await send("/")).text()).toContain("npm run build");
  });
});
