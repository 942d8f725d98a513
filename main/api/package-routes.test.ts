import type { AuditRecord, ErrorReport } from "all-use-agent/sdk";
import { beforeEach, describe, expect, it } from "vitest";
import { createDoor } from "./door.ts";
import { webDoor } from "./exchange.ts";
import { MemoryAgent } from "./testing.ts";

let agent: MemoryAgent;
let door: ReturnType<typeof webDoor>;
beforeEach(() => {
  agent = new MemoryAgent();
  door = webDoor(createDoor(agent, { auth: { mode: "none" }, pageDir: null }));
});

function post(path: string, body: BodyInit, type: string): Promise<Response> {
  return door(new Request(`http://127.0.0.1:8420${path}`, { method: "POST", body, headers: { "Content-Type": type } }));
}

async function code(response: Response): Promise<string> {
  return `${response.status} ${((await response.json()) as ErrorReport).error.code}`;
}

describe("the routes of packages", () => {
  it("take a packed plugin as bytes, up to its size", async () => {
    const bytes = "application/octet-stream";
    expect((await post("/api/agent/packages", new Uint8Array(10), bytes)).status).toBe(200);
    expect(agent.packageCalls).toEqual([10]);
    expect(await code(await post("/api/agent/packages", "x", "text/plain"))).toBe("415 media_type_refused");
    expect(await code(await post("/api/agent/packages", new Uint8Array(23 * 2 ** 20), bytes))).toBe("413 body_too_large");
  });

  it("install only what is named by its hash, with a list of permissions", async () => {
    const wish = { sha256: "a".repeat(64), permissions: ["notify"] };
    const install = (body: object): Promise<Response> =>
      post("/api/agent/packages/install", JSON.stringify(body), "application/json");
    expect(await (await install(wish)).json()).toEqual({ id: "collectors/demo" });
    expect(agent.packageCalls).toEqual([wish]);
    for (const wrong of [{}, { ...wish, sha256: "../x" }, { ...wish, permissions: [1] }, { ...wish, more: 1 }])
      expect(await code(await install(wrong))).toBe("400 body_invalid");
  });

  it("tell what a plugin may do", async () => {
    const answer = await door(new Request("http://127.0.0.1:8420/api/agent/plugins/collectors/demo/permissions"));
    expect(await answer.json()).toEqual({ permissions: [], sha256: null, signature: null });
    expect(agent.packageCalls).toEqual(["collectors/demo"]);
  });
});

it("the audit log is told with a limit", async () => {
  agent.auditRecords = [1, 2, 3].map((seq) => ({ seq }) as AuditRecord);
  const ask = (query: string): Promise<Response> => door(new Request(`http://127.0.0.1:8420/api/agent/audit${query}`));
  expect(await (await ask("?limit=2")).json()).toEqual({ records: [{ seq: 1 }, { seq: 2 }], intact: true });
  expect(await code(await ask("?limit=0"))).toBe("400 parameter_invalid");
});
