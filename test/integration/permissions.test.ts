/** What a plugin may do: granted, shown, enforced, counted, recorded. Against the built agent and its command line. */
import { once } from "node:events";
import { appendFileSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { AuditRecord, PackagePreview, PermissionReport, PluginReport, SignatureReport } from "all-use-agent/sdk";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type CommandResult, type RunningAgent, runCommand, startAgent, temporaryFolder } from "../support/agent.ts";
import { isLinux, NOT_LINUX } from "../support/machine.ts";
import { until } from "../support/wait.ts";

let dataDir: string;
let outside: string;
let server: Server;
let port: number;

beforeAll(async () => {
  server = createServer((_request, response) => response.end("served")).listen(0, "127.0.0.1");
  await once(server, "listening");
  ({ port } = server.address() as AddressInfo);
});
afterAll(() => void server.close());
beforeEach(() => {
  dataDir = temporaryFolder();
  outside = temporaryFolder();
});
afterEach(() => {
  for (const folder of [dataDir, outside]) rmSync(folder, { recursive: true, force: true });
});

const run = (...args: string[]): Promise<CommandResult> => runCommand([...args, "--data-dir", dataDir]);

async function done(...args: string[]): Promise<string> {
  const { status, stdout, stderr } = await run(...args);
  expect(status, stderr).toBe(0);
  return stdout;
}

async function failed(status: number, ...args: string[]): Promise<string> {
  const result = await run(...args);
  expect(result.status, result.stdout + result.stderr).toBe(status);
  return result.stderr;
}

/** Tries each way once a second and says in its status how each went: its answer, or the code of the refusal. */
function writePlugin(folder: string, ways: Readonly<Record<string, string>>, manifest: Record<string, unknown> = {}): string {
  mkdirSync(folder, { recursive: true });
  const whole = {
    id: "collectors/tries",
    version: "1.0.0",
    api: 1,
    kind: "collector",
    entry: "index.mjs",
    title: "Tries",
    stability: "beta",
    ...manifest,
  };
  writeFileSync(join(folder, "plugin.json"), JSON.stringify(whole));
  const tries = Object.entries(ways).map(([name, code]) => `${JSON.stringify(name)}: async () => { ${code} }`);
  writeFileSync(
    join(folder, "index.mjs"),
    `const text = (bytes) => new TextDecoder().decode(bytes).trim();
const ways = (ctx) => ({ ${tries.join(", ")} });
export default (ctx) => ({ async collect() {
  const said = [];
  for (const [name, way] of Object.entries(ways(ctx)))
    said.push(name + "=" + await way().catch((error) => error.code));
  ctx.status("degraded", said.join(" "));
} });`,
  );
  return folder;
}

const reportOf = async (agent: RunningAgent, id = "collectors/tries"): Promise<PluginReport | undefined> =>
  (await agent.plugins()).find((report) => report.id === id);

async function says(agent: RunningAgent, words: RegExp): Promise<string> {
  let last: string | null | undefined;
  try {
    return await until("its status", 20_000, async () => {
      last = (await reportOf(agent))?.reason;
      return last != null && words.test(last) ? last : null;
    });
  } catch (error) {
    throw new Error(`${String(error)} ${words.source}; the last was ${String(last)}`, { cause: error });
  }
}

const dropped = (): string => join(dataDir, "plugins/collectors/tries");
const audit = async (...args: string[]): Promise<AuditRecord[]> =>
  (JSON.parse(await done("audit", "show", "--json", ...args)) as { records: AuditRecord[] }).records;

describe("through ctx a plugin", () => {
  test("reads, fetches, runs and tells within its grants and nothing else; all of it is counted and recorded", async ({
    skip,
  }) => {
    skip(!isLinux, NOT_LINUX);
    writeFileSync(join(outside, "granted"), "granted file");
    writeFileSync(join(outside, "other"), "other file");
    symlinkSync(join(outside, "other"), join(outside, "link"));
    mkdirSync(join(outside, "in"));
    symlinkSync(join(outside, "other"), join(outside, "in/link"));
    const permissions = [
      `read:${outside}/granted`,
      `read:${outside}/in`,
      `net:127.0.0.1:${port}`,
      "exec:echo",
      "exec:sleep",
      "notify",
    ];
    writePlugin(
      dropped(),
      {
        read: `return text(await ctx.read("${outside}/granted")).replace(" ", "_");`,
        readOther: `return text(await ctx.read("${outside}/other"));`,
        readLink: `return text(await ctx.read("${outside}/in/link"));`,
        readToken: `return text(await ctx.read(${JSON.stringify(join(dataDir, "token"))}));`,
        fetch: `const { status, body } = await ctx.fetch("http://127.0.0.1:${port}/"); return status + text(body);`,
        fetchOther: `return (await ctx.fetch("http://127.0.0.1:${port + 1}/")).status;`,
        exec: `return text((await ctx.exec("echo", ["ran"])).stdout);`,
        execOther: `return text((await ctx.exec("id")).stdout);`,
        execPath: `return text((await ctx.exec("/bin/sh", ["-c", "id"])).stdout);`,
        late: `return (await ctx.exec("sleep", ["60"], { timeoutMs: 100 })).status;`,
        aborted: `return (await ctx.exec("sleep", ["60"], { signal: AbortSignal.timeout(100) })).status;`,
        notify: `await (globalThis.notified ??= ctx.notify({ title: "Hello", body: "from a test" })); return "told";`,
        documents: `return await ctx.documents.collection("x", { maxDocuments: 1, orderBy: "_id" }).count();`,
      },
      { permissions, config: { type: "object", properties: { interval_ms: { type: "integer", default: 4000 } } } },
    );
    {
      await using agent = await startAgent({ dataDir });
      const denied = "permission_denied";
      expect(await says(agent, /documents=/)).toBe(
        `read=granted_file readOther=${denied} readLink=${denied} readToken=${denied} fetch=200served fetchOther=${denied} ` +
          `exec=ran execOther=${denied} execPath=${denied} late=timeout aborted=aborted notify=told documents=${denied}`,
      );
      const info = await done("plugin", "info", "collectors/tries");
      expect(info).toMatch(/starts the program echo \(exec:echo\): used [1-9]/);
      expect(info).toMatch(/agent's rights/);
      const { permissions: may } = JSON.parse(await done("plugin", "info", "collectors/tries", "--json")) as {
        permissions: PermissionReport[];
      };
      const use = may.find(({ permission }) => permission === `net:127.0.0.1:${port}`)!;
      expect(use.granted).toBe(true);
      expect(use.uses).toBeGreaterThan(0);
      expect(use.lastUsedMs).toBeGreaterThan(Date.now() - 600_000);
      expect((await reportOf(agent))?.isolation?.denied).toBeGreaterThan(4);
      expect(agent.output()).not.toContain("from a test");
      expect(readFileSync(join(dataDir, "agent.log"), "utf8")).toContain("Hello: from a test");
      const { records, intact } = await agent.json<{ records: AuditRecord[]; intact: boolean }>("/api/agent/audit");
      expect(intact).toBe(true);
      expect(records.at(-1)).toMatchObject({ seq: 1, actor: "agent", action: "agent.started" });
      await agent.stop();
    }
    const did = (await audit("--plugin", "collectors/tries")).map(({ action, target }) => `${action} ${target}`);
    expect(did).toContain("plugin.installed collectors/tries");
    expect(did).toContain("permission.used exec:echo");
    expect(did).toContain("permission.refused exec:id");
    expect(did).toContain(`permission.refused net:127.0.0.1:${port + 1}`);
    // Many refusals of one kind are few records with a count.
    expect(did.filter((one) => one === "permission.refused exec:id").length).toBeLessThanOrEqual(2);
    expect(await done("audit", "verify")).toMatch(/The chain is intact/);
    const file = join(dataDir, "audit/000001.jsonl");
    const bytes = readFileSync(file);
    bytes[bytes.indexOf("exec:id") + 5] ^= 1;
    writeFileSync(file, bytes);
    const verdict = await run("audit", "verify");
    expect(verdict.status).toBe(1);
    expect(verdict.stdout).toMatch(/BROKEN 000001.jsonl line \d+: its content does not fit its hash/);
  });

  test("opens sockets itself where a net permission keeps its network, and the report says so", async () => {
    writePlugin(
      dropped(),
      {
        own: `const { connect } = await import("node:net");
          return await new Promise((resolve, reject) => connect(${port}, "127.0.0.1", () => resolve("connected")).on("error", reject));`,
      },
      { permissions: ["net:example.com:443"] },
    );
    await using agent = await startAgent({ dataDir });
    await says(agent, /own=connected/);
    expect((await reportOf(agent))?.isolation?.limits.join(" ")).toMatch(/not limited to the addresses granted/);
  });
});

describe("a running agent", () => {
  test("does not start what asks for more than it was granted, until that is granted", async () => {
    const ways = { exec: `return text((await ctx.exec("echo", ["ran"])).stdout);` };
    writePlugin(dropped(), ways, { permissions: ["notify"] });
    await using agent = await startAgent({ dataDir });
    await says(agent, /^exec=permission_denied$/);
    // Replaced in place, asking for more.
    writePlugin(dropped(), ways, { version: "1.1.0", permissions: ["notify", "exec:echo"] });
    const waiting = await until("it waits", 20_000, async () => {
      const found = await reportOf(agent);
      return found?.code === "permissions_not_granted" ? found : null;
    });
    expect(waiting.state).toBe("failed");
    expect(waiting.reason).toMatch(/it starts the program echo \(exec:echo\).*alluse plugin grant collectors\/tries/);
    expect(await failed(2, "plugin", "grant", "collectors/tries")).toMatch(/--yes/);
    expect(await done("plugin", "grant", "collectors/tries", "--yes")).toMatch(/it starts the program echo/);
    await says(agent, /^exec=ran$/);
    // Taken away: it runs on without.
    expect(await done("plugin", "revoke", "collectors/tries", "exec:echo")).toMatch(/runs without/);
    await says(agent, /^exec=permission_denied$/);
    expect(await failed(1, "plugin", "revoke", "collectors/tries", "exec:echo")).toMatch(/has no permission/);
    const { permissions } = await agent.json<{ permissions: PermissionReport[] }>(
      "/api/agent/plugins/collectors/tries/permissions",
    );
    expect(permissions.map(({ permission, granted }) => [permission, granted])).toEqual([
      ["notify", true],
      ["exec:echo", false],
    ]);
    await until("the commands to be in the chain", 10_000, async () =>
      (await audit("--plugin", "collectors/tries")).some(({ action }) => action === "plugin.revoked"),
    );
    const actions = (await audit("--plugin", "collectors/tries")).map(({ action }) => action);
    for (const action of ["plugin.installed", "plugin.failed", "plugin.granted", "plugin.revoked"])
      expect(actions).toContain(action);
    expect(await done("audit", "verify")).toMatch(/intact/);
    await done("plugin", "remove", "collectors/tries");
    expect(JSON.parse(readFileSync(join(dataDir, "grants.json"), "utf8"))).toMatchObject({ plugins: {} });
  });

  test("shows a package before it installs it, and grants what the operator allows", async () => {
    const folder = writePlugin(
      join(outside, "tries"),
      {
        exec: `return text((await ctx.exec("echo", ["ran"])).stdout);`,
        notify: `await ctx.notify({ title: "a", body: "b" }); return "told";`,
      },
      { permissions: ["exec:echo", "notify"] },
    );
    const file = join(outside, "tries.alluse-plugin");
    const key = /public key (\S+)/.exec(await done("plugin", "keygen", join(outside, "key")))![1];
    await done("plugin", "trust", "add", "Tester", key);
    await done("plugin", "pack", folder, "-o", file, "--sign", join(outside, "key"));
    await using agent = await startAgent({ dataDir });
    const send = (bytes: Uint8Array): Promise<Response> =>
      agent.fetch("/api/agent/packages", {
        method: "POST",
        headers: { "Content-Type": "application/octet-stream" },
        body: new Uint8Array(bytes),
      });
    const broken = Buffer.from(readFileSync(file));
    broken[broken.length - 1] ^= 1;
    const refusal = await send(broken);
    expect([refusal.status, await refusal.text()]).toEqual([422, expect.stringMatching(/BROKEN signature/)]);
    const preview = (await (await send(readFileSync(file))).json()) as PackagePreview;
    expect(preview).toMatchObject({
      id: "collectors/tries",
      replaces: null,
      signature: { key, trustedAs: "Tester" },
      permissions: [
        { permission: "exec:echo", sentence: "starts the program echo", change: "added" },
        { permission: "notify", change: "added" },
      ],
    });
    const install = (permissions: string[], sha256 = preview.sha256): Promise<Response> =>
      agent.fetch("/api/agent/packages/install", {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ sha256, permissions }),
      });
    expect((await install(["exec:id"])).status).toBe(400);
    expect((await install([], "0".repeat(64))).status).toBe(404);
    expect((await install(["exec:echo"])).status).toBe(200);
    await says(agent, /^exec=ran notify=permission_denied$/);
    const detail = await agent.json<{ sha256: string; signature: SignatureReport }>(
      "/api/agent/plugins/collectors/tries/permissions",
    );
    expect(detail).toMatchObject({ sha256: preview.sha256, signature: { trustedAs: "Tester" } });
    // Edited since: nobody vouches for it any more.
    writeFileSync(join(dropped(), "index.mjs"), "export default () => ({});");
    expect(await agent.json("/api/agent/plugins/collectors/tries/permissions")).toMatchObject({ signature: null });
  });
});

describe("alluse plugin add", () => {
  test("shows what is asked, and without a terminal wants --yes", async () => {
    const folder = writePlugin(join(outside, "tries"), {}, { permissions: ["exec:echo"] });
    const { status, stdout, stderr } = await run("plugin", "add", folder);
    expect(status).toBe(2);
    expect(stdout).toMatch(/starts the program echo/);
    expect(stderr).toMatch(/--yes/);
    expect(readdirSync(dataDir)).not.toContain("plugins");
    expect(await done("plugin", "add", folder, "--yes")).toMatch(/not signed/);
    // The same again asks for nothing new.
    await done("plugin", "add", folder, "--replace");
    writePlugin(folder, {}, { version: "2.0.0", permissions: ["notify", "exec:echo"] });
    expect((await run("plugin", "add", folder, "--replace")).stdout).toMatch(/now also: sends notifications/);
    expect(await failed(2, "plugin", "add", folder, "--replace")).toMatch(/--yes/);
    const plain = writePlugin(join(outside, "plain"), {}, { id: "collectors/plain" });
    await done("plugin", "add", plain);
    await done("plugin", "disable", "collectors/plain");
    await done("plugin", "remove", "collectors/plain");
    expect((await audit()).map(({ action, target }) => `${action} ${target}`).toReversed()).toEqual([
      "plugin.installed collectors/tries",
      "plugin.installed collectors/tries",
      "plugin.installed collectors/plain",
      "plugin.disabled collectors/plain",
      "plugin.removed collectors/plain",
    ]);
  });

  test("says who signed, says loudly when it is someone else, and takes no broken signature", async () => {
    const folder = writePlugin(join(outside, "tries"), {});
    const file = join(outside, "a.alluse-plugin");
    const keys = ["a", "b"].map((name) => join(outside, name));
    for (const key of keys) await done("plugin", "keygen", key);
    expect(await failed(1, "plugin", "keygen", keys[0])).toMatch(/never written over/);
    const sign = (...key: string[]): Promise<string> => done("plugin", "pack", folder, "-o", file, ...key);
    await sign("--sign", keys[0]);
    const key = /[A-Za-z0-9+/]{43}=/.exec(await done("plugin", "add", file))![0];
    await done("plugin", "trust", "add", "Ann", key);
    expect(await done("plugin", "trust", "list")).toContain(key);
    expect(await done("plugin", "add", file, "--replace")).toMatch(/signed by Ann, whom you trust/);
    for (const other of [["--sign", keys[1]], []]) {
      await sign(...other);
      const refused = await failed(2, "plugin", "add", file, "--replace");
      expect(refused).toMatch(/WARNING: The version before was signed with the key/);
    }
    const whole = readFileSync(file);
    writeFileSync(file, Buffer.from([...whole.subarray(0, 9), 1, ...whole.subarray(10)]));
    expect(await failed(1, "plugin", "add", file, "--replace", "--yes")).toMatch(/signature is missing/);
    await sign("--sign", keys[0]);
    const signed = readFileSync(file);
    signed[signed.length - 5] ^= 4;
    writeFileSync(file, signed);
    expect(await failed(1, "plugin", "add", file, "--replace", "--yes")).toMatch(/BROKEN signature/);
    await done("plugin", "trust", "remove", "Ann");
    expect(await failed(1, "plugin", "trust", "remove", "Ann")).toMatch(/nobody is trusted/);
  });

  test("refuses permissions that make no sense, with the form expected", async () => {
    const folder = writePlugin(join(outside, "tries"), {}, { permissions: ["read:relative"] });
    expect(await failed(1, "plugin", "add", folder, "--yes")).toMatch(/\/permissions\/0.*not absolute.*read:<absolute path>/);
    writePlugin(folder, {}, { permissions: ["exce:echo"] });
    expect(await failed(1, "plugin", "add", folder, "--yes")).toMatch(/did you mean exec:/);
  });
});

test("the audit log outlives agents that are killed, in one chain", async () => {
  for (let i = 0; i < 3; i++) {
    await using agent = await startAgent({ dataDir });
    await until("its start to be recorded", 10_000, async () => (await audit()).filter(isStart).length === i + 1);
    await agent.kill();
    expect(await done("audit", "verify")).toMatch(/intact/);
  }
  // Half a record, as a kill at the worst moment leaves it.
  appendFileSync(join(dataDir, "audit/000001.jsonl"), '{"seq":4,"ti');
  await done("plugin", "disable", "models/forecast");
  expect((await audit()).map(({ action }) => action)).toEqual([
    "plugin.disabled",
    "audit.repaired",
    ...Array<string>(3).fill("agent.started"),
  ]);
});

const isStart = ({ action }: AuditRecord): boolean => action === "agent.started";

test("a grants file that cannot be read grants nothing", async () => {
  writePlugin(dropped(), {}, { permissions: ["notify"] });
  writeFileSync(join(dataDir, "grants.json"), "{");
  await using agent = await startAgent({ dataDir });
  const report = await until("it is turned away", 20_000, () => reportOf(agent));
  expect(report).toMatchObject({ state: "failed", code: "grants_invalid" });
  expect(readFileSync(join(dataDir, "grants.json"), "utf8")).toBe("{");
});
