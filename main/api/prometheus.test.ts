import { beforeEach, describe, expect, it } from "vitest";
import { createDoor } from "./door.ts";
import { webDoor } from "./exchange.ts";
import { MemoryAgent } from "./testing.ts";

interface PrometheusAnswer {
  readonly status: string;
  readonly data?: unknown;
  readonly warnings?: readonly string[];
  readonly errorType?: string;
  readonly error?: string;
}

describe("Prometheus' API", () => {
  let agent: MemoryAgent;
  let door: ReturnType<typeof webDoor>;
  const nowS = () => agent.nowMs / 1000;

  beforeEach(() => {
    agent = new MemoryAgent();
    door = webDoor(createDoor(agent, { auth: { mode: "none" }, pageDir: null }));
    const now = agent.nowMs;
    const samples = (first: number) => Array.from({ length: 61 }, (_x, i) => [now - 60_000 + i * 1000, first + i] as const);
    agent.store.put("up", { job: "node", instance: "a" }, samples(0));
    agent.store.put("up", { job: "node", instance: "b" }, samples(100));
    agent.store.put("node_load1", {}, [[now, 0.5]]);
  });

  async function ask(path: string, init?: RequestInit): Promise<{ status: number; body: PrometheusAnswer; response: Response }> {
    const response = await door(new Request(`http://127.0.0.1:8420${path}`, init));
    const text = await response.text();
    return { status: response.status, body: (text === "" ? {} : JSON.parse(text)) as PrometheusAnswer, response };
  }
  const form = (fields: string): RequestInit => ({
    method: "POST",
    body: fields,
    headers: { "Content-Type": "application/x-www-form-urlencoded" },
  });

  it("answers an instant query, by GET and by form, in its shape", async () => {
    const expected = {
      status: "success",
      data: { resultType: "vector", result: [{ metric: { __name__: "node_load1" }, value: [nowS(), "0.5"] }] },
    };
    const got = await ask("/api/v1/query?query=node_load1");
    expect(got.status).toBe(200);
    expect(got.body).toEqual(expected);
    expect(got.response.headers.get("content-type")).toContain("application/json");
    expect((await ask("/api/v1/query", form(`query=node_load1&time=${nowS()}`))).body).toEqual(expected);
  });

  it("takes times as Unix seconds with a fraction and as RFC 3339", async () => {
    for (const time of [String(nowS() - 10), `${nowS() - 10}.4`, new Date(agent.nowMs - 10_000).toISOString()]) {
      const { body } = await ask(`/api/v1/query?query=up{instance="a"}&time=${encodeURIComponent(time)}`);
      expect((body.data as { result: { value: [number, string] }[] }).result[0].value[1]).toBe("50");
    }
  });

  it("answers a scalar and a range", async () => {
    expect((await ask(`/api/v1/query?query=1%2B1&time=${nowS()}`)).body.data).toEqual({
      resultType: "scalar",
      result: [nowS(), "2"],
    });
    const range = await ask("/api/v1/query_range", form(`query=up{instance="b"}&start=${nowS() - 20}&end=${nowS()}&step=10`));
    expect(range.body.data).toEqual({
      resultType: "matrix",
      result: [
        {
          metric: { __name__: "up", instance: "b", job: "node" },
          values: [
            [nowS() - 20, "140"],
            [nowS() - 10, "150"],
            [nowS(), "160"],
          ],
        },
      ],
    });
  });

  it("takes a step as a duration", async () => {
    const { body } = await ask(`/api/v1/query_range?query=up{instance="a"}&start=${nowS() - 60}&end=${nowS()}&step=30s`);
    expect((body.data as { result: { values: unknown[] }[] }).result[0].values).toHaveLength(3);
  });

  it.each([
    ["/api/v1/query?query=sum(", 400, "bad_data"],
    ["/api/v1/query", 400, "bad_data"],
    ["/api/v1/query?query=up&time=yesterday", 400, "bad_data"],
    ["/api/v1/query?query=up&timeout=soon", 400, "bad_data"],
    ["/api/v1/query?query=up&limit=-1", 400, "bad_data"],
    ["/api/v1/query_range?query=up&start=1&end=0&step=1", 400, "bad_data"],
    ["/api/v1/query_range?query=up&start=0&end=1&step=0", 400, "bad_data"],
    ["/api/v1/query_range?query=up&start=0&end=1", 400, "bad_data"],
    ["/api/v1/query_range?query=up&start=0&end=1000000&step=1", 400, "bad_data"],
    ["/api/v1/series", 400, "bad_data"],
    ["/api/v1/series?match[]=up{", 400, "bad_data"],
    ["/api/v1/label/1nstance/values", 400, "bad_data"],
    ["/api/v1/query?query=up%20%2B%20on(job)%20up", 422, "execution"],
    ["/api/v1/nothing", 404, "not_found"],
    ["/api/v1/import/prometheus", 404, "not_found"],
    ["/api/v1/admin/seal", 405, "method_not_allowed"],
  ])("answers %s with %i %s and a sentence", async (path, status, errorType) => {
    const got = await ask(path);
    expect(got.status).toBe(status);
    expect(got.body).toEqual({ status: "error", errorType, error: expect.stringMatching(/\w/) as string });
  });

  it("names the methods it takes", async () => {
    expect((await ask("/api/v1/admin/seal")).response.headers.get("allow")).toBe("POST");
  });

  it("lists series, labels and values, for one selector, several and none", async () => {
    const both = encodeURIComponent("match[]");
    expect((await ask(`/api/v1/series?${both}=up{instance="a"}&${both}=node_load1&${both}=up{instance="a"}`)).body.data).toEqual([
      { __name__: "up", job: "node", instance: "a" },
      { __name__: "node_load1" },
    ]);
    expect((await ask("/api/v1/labels")).body.data).toEqual(["__name__", "instance", "job"]);
    expect((await ask("/api/v1/labels", form("match[]=node_load1"))).body.data).toEqual(["__name__"]);
    expect((await ask("/api/v1/label/instance/values")).body.data).toEqual(["a", "b"]);
    expect((await ask("/api/v1/label/__name__/values?match[]=up")).body.data).toEqual(["up"]);
    expect((await ask(`/api/v1/labels?start=${nowS() - 3600}&end=${nowS() - 1800}`)).body.data).toEqual([]);
  });

  it("cuts at the limit and says so", async () => {
    const { body } = await ask("/api/v1/label/instance/values?limit=1");
    expect(body).toEqual({ status: "success", data: ["a"], warnings: ["results truncated due to limit"] });
    const query = await ask("/api/v1/query?query=up&limit=1");
    expect((query.body.data as { result: unknown[] }).result).toHaveLength(1);
    expect(query.body.warnings).toContain("results truncated due to limit");
    expect((await ask("/api/v1/query?query=up&limit=2")).body.warnings).toBeUndefined();
  });

  it("tells of metrics what the manifests say, also by a declared beginning", async () => {
    agent.declared.set("up", { type: "gauge", help: "Whether it is up." });
    agent.declared.set("node_*", { type: "counter", unit: "seconds", help: "From the node." });
    agent.declared.set("moment", { type: "event", help: "Something happened." });
    expect((await ask("/api/v1/metadata")).body.data).toEqual({
      moment: [{ type: "unknown", help: "Something happened.", unit: "" }],
      node_load1: [{ type: "counter", help: "From the node.", unit: "seconds" }],
      up: [{ type: "gauge", help: "Whether it is up.", unit: "" }],
    });
    expect((await ask("/api/v1/metadata?metric=node_other")).body.data).toEqual({
      node_other: [{ type: "counter", help: "From the node.", unit: "seconds" }],
    });
    expect((await ask("/api/v1/metadata?metric=unheard")).body.data).toEqual({});
    expect(Object.keys((await ask("/api/v1/metadata?limit=2")).body.data as object)).toHaveLength(2);
  });

  it("formats a query and names the version that Grafana goes by", async () => {
    expect((await ask("/api/v1/format_query?query=sum(up)by(job)")).body).toEqual({
      status: "success",
      data: "sum by (job) (up)",
    });
    expect((await ask("/api/v1/status/buildinfo")).body.data).toMatchObject({ version: "3.5.0" });
  });

  it("seals and deletes", async () => {
    expect((await ask("/api/v1/admin/seal", { method: "POST" })).body).toEqual({ status: "success" });
    expect(agent.store.sealed).toBe(1);
    for (const method of ["POST", "PUT"]) {
      const got = await ask(`/api/v1/admin/tsdb/delete_series?match[]=up{instance="a"}&start=0&end=${nowS()}`, { method });
      expect(got.status).toBe(204);
    }
    expect((await ask("/api/v1/label/instance/values")).body.data).toEqual(["b"]);
    expect((await ask("/api/v1/admin/tsdb/delete_series", { method: "POST" })).status).toBe(400);
  });

  it("stops a query whose asker has gone", async () => {
    const got = await ask("/api/v1/query?query=up", { signal: AbortSignal.abort() });
    expect(got.status).toBe(503);
    expect(got.body.errorType).toBe("canceled");
  });

  it("says that nothing can be answered while no store serves", async () => {
    const { AgentError } = await import("all-use-agent/sdk");
    agent.storage = () => {
      throw new AgentError("storage_unavailable", "No series store runs.");
    };
    expect(await ask("/api/v1/labels")).toMatchObject({
      status: 503,
      body: { errorType: "unavailable", error: "No series store runs." },
    });
  });
});
