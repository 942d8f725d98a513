import { beforeEach, describe, expect, it } from "vitest";
import { createDoor } from "./door.ts";
import { webDoor } from "./exchange.ts";
import { MemoryAgent, recommendation, TEST_TOKEN } from "./testing.ts";

describe("the door", () => {
  let agent: MemoryAgent;
  let door: ReturnType<typeof webDoor>;
  beforeEach(() => {
    agent = new MemoryAgent();
    agent.advice = [recommendation("r1")];
    door = webDoor(
      createDoor(agent, { auth: { mode: "token", token: TEST_TOKEN }, pageDir: null, allowedHosts: ["Box.example"] }),
    );
  });
  const bearer = { Authorization: `Bearer ${TEST_TOKEN}` };

  it("says without a token whether it is alive and whether it is ready, and nothing else", async () => {
    const ask = async (path: string) => {
      const response = await door(new Request(`http://127.0.0.1:8420${path}`));
      return [response.status, await response.text()];
    };
    expect(await ask("/-/healthy")).toEqual([200, "ok\n"]);
    expect(await ask("/-/ready")).toEqual([200, "ok\n"]);
    agent.isReady = false;
    expect(await ask("/-/healthy")).toEqual([200, "ok\n"]);
    expect(await ask("/-/ready")).toEqual([503, "not ready\n"]);
  });

  it("takes the token as Bearer and as Token, in no other way", async () => {
    const ask = async (authorization: string) =>
      (await door(new Request("http://127.0.0.1/api/agent/status", { headers: { Authorization: authorization } }))).status;
    for (const scheme of ["Bearer", "bearer", "Token"]) expect(await ask(`${scheme} ${TEST_TOKEN}`)).toBe(200);
    for (const header of [TEST_TOKEN, `Basic ${TEST_TOKEN}`, "Token x", `TokenBearer ${TEST_TOKEN}`])
      expect(await ask(header)).toBe(401);
  });

  it("answers the desktop's own protocol under its one name, origin checks included", async () => {
    const dismiss = (base: string, origin: string) =>
      door(
        new Request(`${base}/api/agent/recommendations/r1/dismiss`, {
          method: "POST",
          body: '{"reason":"known"}',
          headers: { ...bearer, "Content-Type": "application/json", Origin: origin },
        }),
      );
    expect((await dismiss("alluse://app", "alluse://app")).status).toBe(200);
    expect((await dismiss("alluse://app", "https://evil.example")).status).toBe(403);
    expect((await dismiss("alluse://other", "alluse://other")).status).toBe(421);
    expect((await dismiss("http://app", "http://app")).status).toBe(421);
    expect((await dismiss("file://app", "file://app")).status).toBe(421);
  });

  it("names the desktop's cookie after it, as it has no port", async () => {
    const response = await door(new Request(`alluse://app/?token=${TEST_TOKEN}`));
    expect(response.headers.get("set-cookie")).toMatch(/^alluse_app=/);
  });

  it("answers for a further host that it was told of, in any case of letters", async () => {
    expect((await door(new Request("http://box.EXAMPLE:9000/-/healthy"))).status).toBe(200);
    expect((await door(new Request("http://box.example.org/-/healthy"))).status).toBe(421);
  });

  it("refuses an address beyond all measure where no listener did", async () => {
    const response = await door(new Request(`alluse://app/api/v1/query?query=${"1".repeat(40_000)}`, { headers: bearer }));
    expect(response.status).toBe(414);
  });

  it("never rejects, whatever happens inside", async () => {
    agent.status = () => {
      throw new Error("broken");
    };
    const response = await door(new Request("http://127.0.0.1/api/agent/status", { headers: bearer }));
    expect([response.status, await response.json()]).toEqual([
      500,
      { error: { code: "internal", message: "The agent failed inside: broken.", where: null } },
    ]);
  });
});
