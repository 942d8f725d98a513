import { expect, test } from "vitest";
import { pageDoor } from "./page-door.ts";

async function sent(init: RequestInit & { initiatorOrigin?: string | null } = {}, token: string | null = "secret") {
  let seen: Request | null = null;
  const door = pageDoor(async (request) => {
    seen = request;
    return new Response(await request.text());
  }, token);
  const { initiatorOrigin, ...rest } = init;
  const request = new Request("alluse://app/api/v1/query?query=up", rest);
  const answer = await door(initiatorOrigin === undefined ? request : Object.assign(request, { initiatorOrigin }));
  return { seen: seen as Request | null, answer };
}

test("the page's requests carry the token, which the page never sees", async () => {
  const { seen } = await sent({ initiatorOrigin: "alluse://app" });
  expect(seen?.url).toBe("alluse://app/api/v1/query?query=up");
  expect(seen?.headers.get("authorization")).toBe("Bearer secret");
});

test("what the page says of itself does not take the token's place", async () => {
  const { seen } = await sent({ headers: { authorization: "Bearer guess", cookie: "alluse_app=x", accept: "a/b" } });
  expect(seen?.headers.get("authorization")).toBe("Bearer secret");
  expect(seen?.headers.get("cookie")).toBeNull();
  expect(seen?.headers.get("accept")).toBe("a/b");
  expect((await sent({ headers: { authorization: "Bearer guess" } }, null)).seen?.headers.get("authorization")).toBeNull();
});

test("bodies go through, and so does the page's going away", async () => {
  const gone = new AbortController();
  const { seen, answer } = await sent({ method: "POST", body: "a body", signal: gone.signal });
  expect(await answer.text()).toBe("a body");
  gone.abort();
  expect(seen?.signal.aborted).toBe(true);
});

test.each([["https://example.com"], ["alluse://other"], ["null"], [null]])(
  "content from %s is refused before the door",
  async (origin) => {
    const { seen, answer } = await sent({ initiatorOrigin: origin });
    expect(seen).toBeNull();
    expect(answer.status).toBe(403);
    expect(await answer.json()).toMatchObject({ error: { code: "origin_refused" } });
  },
);
