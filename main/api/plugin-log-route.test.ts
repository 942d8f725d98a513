import type { ErrorReport, PluginLogReport, PluginReport } from "all-use-agent/sdk";
import { expect, it } from "vitest";
import { createDoor } from "./door.ts";
import { webDoor } from "./exchange.ts";
import { MemoryAgent } from "./testing.ts";

const agent = new MemoryAgent();
agent.pluginReports = [{ id: "collectors/ping" } as PluginReport];
const door = webDoor(createDoor(agent, { auth: { mode: "none" }, pageDir: null }));
const send = (path: string): Promise<Response> => door(new Request(`http://127.0.0.1:8420/api/agent/plugins/${path}`));

it("tells what a plugin logged lately, of the instance that is asked for", async () => {
  const messages = async (path: string): Promise<string[]> =>
    ((await (await send(path)).json()) as PluginLogReport).lines.map(({ message }) => message);
  expect(await messages("collectors/ping/log")).toEqual(["of default"]);
  expect(await messages("collectors/ping/log?instance=lan")).toEqual(["of lan"]);
});

it("answers 404 for a plugin that is not there", async () => {
  const response = await send("collectors/pong/log");
  expect(response.status).toBe(404);
  expect(((await response.json()) as ErrorReport).error.code).toBe("plugin_unknown");
});
