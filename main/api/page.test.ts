import { mkdir, mkdtemp, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { webDoor } from "./exchange.ts";
import { createPage, type Page } from "./page.ts";

describe("the page's files", () => {
  let root: string;
  let page: Page;

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), "alluse-page-"));
    await mkdir(join(root, "page/assets"), { recursive: true });
    await writeFile(join(root, "secret.txt"), "secret");
    await writeFile(join(root, "page/index.html"), "<!doctype html>");
    await writeFile(join(root, "page/assets/index-Bx3_kq9A.js"), "export {}");
    await writeFile(join(root, "page/assets/index-Bx3_kq9A.css"), "a{}");
    await writeFile(join(root, "page/with space.txt"), "x");
    await symlink(join(root, "secret.txt"), join(root, "page/link.txt"));
    await symlink(root, join(root, "page/up"));
    page = createPage(join(root, "page"));
  });
  afterAll(() => rm(root, { recursive: true }));

  // The URL is made by hand: `new URL` would fold dots away before the page sees them.
  const get = async (pathname: string, headers: Record<string, string> = {}): Promise<Response | null> => {
    const answer = await page.serve(new Request("http://127.0.0.1/", { headers }), { pathname } as URL);
    return answer && webDoor(async () => answer)(new Request("http://127.0.0.1/"));
  };

  it("serves index.html at /, to be asked for again each time", async () => {
    const response = await get("/");
    expect(response?.status).toBe(200);
    expect(response?.headers.get("content-type")).toBe("text/html; charset=utf-8");
    expect(response?.headers.get("cache-control")).toBe("no-cache");
    expect(await response?.text()).toBe("<!doctype html>");
  });

  it("lets hashed assets be kept for good, with their type", async () => {
    const script = await get("/assets/index-Bx3_kq9A.js");
    expect(script?.headers.get("content-type")).toBe("text/javascript; charset=utf-8");
    expect(script?.headers.get("cache-control")).toContain("immutable");
    expect((await get("/assets/index-Bx3_kq9A.css"))?.headers.get("content-type")).toBe("text/css; charset=utf-8");
  });

  it("answers 304 to who has the newest, and 200 after a change", async () => {
    const etag = (await get("/"))?.headers.get("etag") ?? "";
    const unchanged = await get("/", { "If-None-Match": `W/"other", ${etag}` });
    expect(unchanged?.status).toBe(304);
    expect(await unchanged?.text()).toBe("");
    await utimes(join(root, "page/index.html"), new Date(), new Date(Date.now() + 5000));
    expect((await get("/", { "If-None-Match": etag }))?.status).toBe(200);
  });

  it("finds names with encoded characters", async () => {
    expect((await get("/with%20space.txt"))?.status).toBe(200);
  });

  it("sees a new build within a second or so", async () => {
    await writeFile(join(root, "page/new.txt"), "new");
    await expect.poll(async () => (await get("/new.txt"))?.status, { interval: 200 }).toBe(200);
  });

  it.each([
    "/../secret.txt",
    "/..%2fsecret.txt",
    "/%2e%2e/secret.txt",
    "/%2e%2e%2fsecret.txt",
    "/assets/../../secret.txt",
    "/assets/..%2f..%2fsecret.txt",
    "/..\\secret.txt",
    "/..%5csecret.txt",
    "//secret.txt",
    "/%252e%252e/secret.txt",
    "/index.html%00",
    "/link.txt",
    "/up/secret.txt",
    "/up/page/index.html",
    "/assets",
    "/assets/",
    "/%",
    "/%ff",
    "/__proto__",
  ])("never serves %s", async (path) => {
    expect(await get(path)).toBeNull();
  });
});
