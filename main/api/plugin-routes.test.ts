import type { ErrorReport, PluginDetail } from "all-use-agent/sdk";
import { beforeEach, expect, it } from "vitest";
import { createDoor } from "./door.ts";
import { webDoor } from "./exchange.ts";
import { MemoryAgent } from "./testing.ts";

let agent: MemoryAgent;
let door: ReturnType<typeof webDoor>;
beforeEach(() => {
  agent = new MemoryAgent();
  agent.details.set("collectors/ping", { id: "collectors/ping" } as PluginDetail);
  door = webDoor(createDoor(agent, { auth: { mode: "none" }, pageDir: null }));
});

async function send(path: string, body?: unknown, type = "application/json"): Promise<{ status: number; body: unknown }> {
  const init = body === undefined ? {} : { method: "POST", body: JSON.stringify(body), headers: { "Content-Type": type } };
  const response = await door(new Request(`http://127.0.0.1:8420/api/agent/plugins${path}`, init));
  return { status: response.status, body: await response.json() };
}

it("tell of a plugin by its id", async () => {
  expect(await send("/collectors/ping")).toEqual({ status: 200, body: { id: "collectors/ping" } });
  expect(await send("/collectors/pong")).toMatchObject({ status: 404, body: { error: { code: "plugin_unknown" } } });
});

it("hand a configuration on, answer 422 for what is wrong with it, and 200 where only that was asked", async () => {
  const change = { instance: "lan", config: { a: 1 }, secrets: { token: "x", old: null } };
  expect(await send("/collectors/ping/config", change)).toMatchObject({ status: 200 });
  expect(agent.asked).toEqual([change]);
  agent.configProblems = [{ where: "/a", message: "expected text, found 1" }];
  expect(await send("/collectors/ping/config", change)).toEqual({ status: 422, body: { problems: agent.configProblems } });
  expect(await send("/collectors/ping/config", { config: {}, check: true })).toMatchObject({ status: 200 });
});

it("hand actions on", async () => {
  expect(await send("/collectors/ping/action", { action: "restart", instance: "lan" })).toMatchObject({ status: 200 });
  expect(await send("/collectors/ping/action", { action: "remove" })).toEqual({
    status: 200,
    body: { removed: "collectors/ping" },
  });
  expect(agent.asked).toEqual([{ action: "restart", instance: "lan" }, { action: "remove" }]);
});

it.each([
  ["config", {}],
  ["config", { config: [] }],
  ["config", { config: {}, secrets: { token: 12345678 } }],
  ["config", { config: {}, instance: "" }],
  ["action", { action: "explode" }],
  ["action", { action: "restart", instance: 5 }],
])("refuse %s of %j by the schema that they publish, quoting no secret", async (what, body) => {
  const answer = await send(`/collectors/ping/${what}`, body);
  expect(answer).toMatchObject({ status: 400, body: { error: { code: "body_invalid" } } });
  expect((answer.body as ErrorReport).error.message).not.toContain("12345678");
});

it("take JSON only", async () => {
  expect(await send("/collectors/ping/action", { action: "disable" }, "text/plain")).toMatchObject({ status: 415 });
  expect(agent.asked).toEqual([]);
});
