/** The ways out of the agent, with real files, servers and programs. */
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { mkdir, mkdtemp, realpath, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Logger, Notice } from "all-use-agent/sdk";
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { PermissionUses } from "../permission-uses.ts";
import { Permissions } from "../process/permissions.ts";
import { Outside } from "./outside.ts";

const quiet: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString("utf8");

let folder: string;
let stop: AbortController;
let uses: PermissionUses;
let notices: Notice[];

beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), "alluse-outside-")));
  stop = new AbortController();
  uses = new PermissionUses();
  notices = [];
});
afterEach(async () => {
  stop.abort();
  await rm(folder, { recursive: true, force: true });
});

function outside(...permissions: string[]): Outside {
  return new Outside({
    permissions: new Permissions({ id: "collectors/demo", permissions }, quiet, uses),
    signal: stop.signal,
    secret: [join(folder, "secret")],
    notify: (notice) => void notices.push(notice),
  });
}

async function serve(listener: RequestListener): Promise<number> {
  const server: Server = createServer(listener).listen(0, "127.0.0.1");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

describe("read", () => {
  it("reads what lies in a grant, counts it, and refuses the rest", async () => {
    await mkdir(join(folder, "in"));
    await writeFile(join(folder, "in/a"), "hello");
    await writeFile(join(folder, "out"), "no");
    const way = outside(`read:${folder}/in`);
    expect(text(await way.read(join(folder, "in/a")))).toBe("hello");
    for (const path of [join(folder, "out"), join(folder, "in/../out"), "/etc/passwd", "/nowhere"])
      await expect(way.read(path), path).rejects.toMatchObject({ code: "permission_denied" });
    await expect(way.read(join(folder, "in/none"))).rejects.toMatchObject({ code: "read_failed" });
    await expect(way.read("in/a")).rejects.toMatchObject({ code: "read_failed" });
    expect(uses.of("collectors/demo").get(`read:${folder}/in`)).toMatchObject({ uses: 2, refusals: 0 });
  });

  it("follows links only into a grant", async () => {
    await mkdir(join(folder, "in"));
    await writeFile(join(folder, "real"), "real");
    await symlink("/etc/passwd", join(folder, "in/way-out"));
    await symlink("/etc", join(folder, "in/etc"));
    await symlink(join(folder, "real"), join(folder, "granted-link"));
    const way = outside(`read:${folder}/in`, `read:${folder}/granted-link`);
    for (const name of ["in/way-out", "in/etc/passwd"])
      await expect(way.read(join(folder, name)), name).rejects.toMatchObject({ code: "permission_denied" });
    expect(text(await way.read(join(folder, "granted-link")))).toBe("real");
  });

  it("opens nothing of the agent itself, whatever is granted", async () => {
    await mkdir(join(folder, "secret"));
    await writeFile(join(folder, "secret/token"), "t");
    const way = outside("read:/");
    await expect(way.read(join(folder, "secret/token"))).rejects.toMatchObject({ code: "permission_denied" });
    if (process.platform === "linux") {
      await expect(way.read("/proc/self/environ")).rejects.toMatchObject({ code: "permission_denied" });
      expect(text(await way.read("/proc/uptime"))).toMatch(/^\d/);
    }
  });

  it("refuses pipes, devices, folders and large files at once", async ({ skip }) => {
    skip(process.platform === "win32", "no pipes in the file system");
    execFileSync("mkfifo", [join(folder, "pipe")]);
    await writeFile(join(folder, "large"), "");
    await truncate(join(folder, "large"), 5 * 2 ** 20);
    const way = outside(`read:${folder}`, "read:/dev/zero");
    await expect(way.read(join(folder, "pipe"))).rejects.toMatchObject({ code: "read_failed" });
    await expect(way.read("/dev/zero")).rejects.toMatchObject({ code: "read_failed" });
    await expect(way.read(folder)).rejects.toMatchObject({ code: "read_failed" });
    await expect(way.read(join(folder, "large"))).rejects.toMatchObject({ code: "too_large" });
  });
});

describe("fetch", () => {
  it("speaks with what was granted, in both directions, and with nobody else", async () => {
    const port = await serve((request, response) => {
      response.writeHead(201, { "X-Method": request.method });
      request.pipe(response);
    });
    const way = outside(`net:127.0.0.1:${port}`);
    const url = `http://127.0.0.1:${port}/x`;
    const answer = await way.fetch(url, { method: "POST", body: "hello", headers: { "Content-Type": "text/plain" } });
    expect(answer).toMatchObject({ status: 201, headers: { "x-method": "POST" } });
    expect(text(answer.body)).toBe("hello");
    for (const other of [`http://127.0.0.1:${port + 1}/`, `http://127.0.0.2:${port}/`, `http://localhost:${port}/`])
      await expect(way.fetch(other), other).rejects.toMatchObject({ code: "permission_denied" });
    expect((await outside("net:*").fetch(url)).status).toBe(201);
    expect((await outside("net:localhost").fetch(`http://localhost:${port}/`)).status).toBe(201);
  });

  it("does not let a redirect lead out of the grant, and carries no credentials along", async () => {
    let seen: string | undefined = "nothing";
    const elsewhere = await serve((request, response) => {
      seen = request.headers.authorization;
      response.end("there");
    });
    const port = await serve((_request, response) =>
      response.writeHead(302, { Location: `http://127.0.0.1:${elsewhere}/` }).end(),
    );
    const url = `http://127.0.0.1:${port}/`;
    await expect(outside(`net:127.0.0.1:${port}`).fetch(url)).rejects.toMatchObject({ code: "permission_denied" });
    const answer = await outside("net:127.0.0.1").fetch(url, { headers: { Authorization: "Bearer x" } });
    expect(text(answer.body)).toBe("there");
    expect(seen).toBe(undefined);
    const circle = await serve((_request, response) => response.writeHead(302, { Location: "/" }).end());
    await expect(outside("net:*").fetch(`http://127.0.0.1:${circle}/`)).rejects.toThrow(/redirects more than/);
  });

  it("does not let a name lead to this machine itself", async () => {
    const { default: dns } = await import("node:dns");
    const port = await serve((_request, response) => response.end("loopback"));
    for (const address of ["127.0.0.1", "::ffff:127.0.0.1", "169.254.169.254"]) {
      const spy = vi
        .spyOn(dns, "lookup")
        .mockImplementation(((_name: string, _options: object, done: (...given: unknown[]) => void) =>
          done(null, [{ address, family: address.includes(":") ? 6 : 4 }])) as never);
      await expect(outside("net:rebound.example").fetch(`http://rebound.example:${port}/`)).rejects.toMatchObject({
        code: "permission_denied",
      });
      spy.mockRestore();
    }
  });

  it("has an end: of time, of size, of patience", async () => {
    const port = await serve((request, response) => {
      if (request.url === "/large") response.end(Buffer.alloc(5 * 2 ** 20));
      else if (request.url === "/cut") response.writeHead(200, { "Content-Length": "10" }).write("1", () => request.destroy());
    });
    const way = outside("net:*");
    const url = `http://127.0.0.1:${port}`;
    await expect(way.fetch(`${url}/hangs`, { timeoutMs: 50 })).rejects.toMatchObject({ code: "timeout" });
    await expect(way.fetch(`${url}/large`)).rejects.toMatchObject({ code: "too_large" });
    await expect(way.fetch(`${url}/cut`)).rejects.toMatchObject({ code: "fetch_failed" });
    await expect(way.fetch(url, { body: new Uint8Array(2 ** 20) })).rejects.toMatchObject({ code: "too_large" });
    const waiting = way.fetch(`${url}/hangs`);
    stop.abort();
    await expect(waiting).rejects.toMatchObject({ code: "aborted" });
  });

  it.each(["file:///etc/passwd", "ftp://x/", "no address", "http://user:password@127.0.0.1/"])("refuses %s", async (url) => {
    await expect(outside("net:*").fetch(url)).rejects.toMatchObject({ code: "fetch_invalid" });
  });

  it("leaves the headers that frame a request to the agent", async () => {
    for (const name of ["Host", "Content-Length", "Transfer-Encoding"])
      await expect(outside("net:*").fetch("http://127.0.0.1:1/", { headers: { [name]: "1" } })).rejects.toThrow(
        /set by the agent/,
      );
  });
});

function statusOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/status`, "utf8");
  } catch {
    return "";
  }
}

describe("exec", () => {
  it("runs granted programs, by the name that was granted, in a clean environment", async ({ skip }) => {
    skip(process.platform === "win32", "the programs are others");
    process.env["ALLUSE_TEST_SECRET"] = "secret";
    const way = outside("exec:cat", "exec:env", "exec:sh", "exec:/bin/cat");
    const echoed = await way.exec("cat", [], { input: "through" });
    expect([echoed.status, text(echoed.stdout)]).toEqual([0, "through"]);
    expect(text((await way.exec("/bin/cat", [], { input: "x" })).stdout)).toBe("x");
    expect(text((await way.exec("env")).stdout)).not.toContain("secret");
    const failing = await way.exec("sh", ["-c", "echo no >&2; exit 3"]);
    expect([failing.status, text(failing.stderr)]).toEqual([3, "no\n"]);
    for (const program of ["ls", "/bin/sh", "./cat", "cat "])
      await expect(way.exec(program), program).rejects.toMatchObject({ code: "permission_denied" });
    await expect(outside("exec:nowhere-to-be-found").exec("nowhere-to-be-found")).rejects.toMatchObject({ code: "exec_failed" });
    delete process.env["ALLUSE_TEST_SECRET"];
  });

  it("kills a program with all it started when its time is over, and what a program leaves behind", async ({ skip }) => {
    skip(process.platform === "win32", "the programs are others");
    const way = outside("exec:sh");
    // Ended, though nobody may have asked for its status yet.
    const alive = (pid: number): boolean => !/State:\s+Z|^$/.test(statusOf(pid));
    const left = Number(text((await way.exec("sh", ["-c", "sleep 60 & echo $!"])).stdout));
    await vi.waitFor(() => expect(alive(left)).toBe(false), { timeout: 60_000 });
    await expect(way.exec("sh", ["-c", "sleep 60 & sleep 60"], { timeoutMs: 100 })).rejects.toMatchObject({ code: "timeout" });
    await expect(way.exec("sh", ["-c", "yes"])).rejects.toMatchObject({ code: "too_large" });
    const stopped = way.exec("sh", ["-c", "sleep 60"]);
    stop.abort();
    await expect(stopped).rejects.toMatchObject({ code: "aborted" });
  });
});

it("notices are one line each, counted and few", async () => {
  await expect(outside().notify({ title: "a", body: "b" })).rejects.toMatchObject({ code: "permission_denied" });
  const way = outside("notify");
  await way.notify({ title: "Disk\u001b[31m", body: "x".repeat(1000) });
  expect(notices[0]).toEqual({ title: "Disk [31m", body: "x".repeat(500) });
  for (let i = 0; i < 4; i++) await way.notify({ title: "a", body: "b" });
  await expect(way.notify({ title: "a", body: "b" })).rejects.toMatchObject({ code: "notify_limit" });
});

it("only so much is under way at a time", async () => {
  const port = await serve(() => {});
  const way = outside("net:*");
  const waiting = Array.from({ length: 8 }, () => way.fetch(`http://127.0.0.1:${port}/`).catch(() => {}));
  await expect(way.fetch(`http://127.0.0.1:${port}/`)).rejects.toMatchObject({ code: "busy" });
  stop.abort();
  await Promise.all(waiting);
});
