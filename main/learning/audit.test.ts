import { execFileSync } from "node:child_process";
import { appendFile, chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { AuditLog } from "./audit.ts";
import { auditFiles } from "./audit-files.ts";
import { readAudit, verifyAudit } from "./audit-walk.ts";

let folder: string;
let nowMs: number;
beforeEach(async () => {
  folder = join(await mkdtemp(join(tmpdir(), "alluse-audit-")), "audit");
  nowMs = 1_700_000_000_000;
});
afterEach(() => rm(join(folder, ".."), { recursive: true, force: true }));

const open = (more: { fileMaxBytes?: number; filesMax?: number } = {}): Promise<AuditLog> =>
  AuditLog.open({ folder, now: () => nowMs++, ...more });

async function wrote(count: number, more: Parameters<typeof open>[0] = {}): Promise<void> {
  const log = await open(more);
  for (let i = 0; i < count; i++) {
    log.note("operator", "plugin.granted", `collectors/p${i % 3}`, { permission: "read:/ä", count: i });
    // Each on its own, so that files are filled one after another.
    if (more.fileMaxBytes !== undefined) await log.flush();
  }
  await log.close();
}

const first = (): string => join(folder, "000001.jsonl");
const all = { fromMs: 0, toMs: Infinity, limit: 1000 };

describe("the audit log", () => {
  it("is a chain over runs, read newest first", async () => {
    await wrote(3);
    await wrote(2);
    expect(await verifyAudit(folder)).toMatchObject({ intact: true, records: 5, firstSeq: 1, lastSeq: 5, notes: [] });
    const { records, intact } = await readAudit(folder, all);
    expect(intact).toBe(true);
    expect(records.map(({ seq }) => seq)).toEqual([5, 4, 3, 2, 1]);
    expect(records[4]).toMatchObject({ timeMs: 1_700_000_000_000, details: { permission: "read:/ä", count: 0 } });
    expect((await readAudit(folder, { ...all, plugin: "collectors/p1" })).records).toHaveLength(2);
    expect((await readAudit(folder, { ...all, limit: 2 })).records).toHaveLength(2);
    expect((await stat(first())).mode & 0o777).toBe(0o600);
  });

  it("can be checked with sha256sum alone", async ({ skip }) => {
    skip(process.platform !== "linux", "needs sha256sum");
    await wrote(2);
    const script = `sed -n 2p ${first()} | sed 's/,"hash":"[0-9a-f]*"}$//' | tr -d '\\n' | sha256sum`;
    const hash = execFileSync("sh", ["-c", script]).toString().slice(0, 64);
    expect((await verifyAudit(folder)).lastHash).toBe(hash);
  });

  it("goes on over files, and the oldest leave with a word", async () => {
    await wrote(40, { fileMaxBytes: 3000, filesMax: 3 });
    const files = await auditFiles(folder);
    expect(files).toHaveLength(3);
    expect(files[0]).not.toBe("000001.jsonl");
    expect(await verifyAudit(folder)).toMatchObject({ intact: true, notes: [expect.stringMatching(/removed for their age/)] });
    expect((await readAudit(folder, all)).intact).toBe(true);
    // One more than leaves by itself.
    await rm(join(folder, files[1]));
    expect((await verifyAudit(folder)).faults[0]).toMatchObject({ file: files[2], line: 1 });
  });

  it("cuts off a line that a kill tore, and says so", async () => {
    await wrote(2);
    await appendFile(first(), '{"seq":3,"time_ms":17');
    expect(await verifyAudit(folder)).toMatchObject({ intact: true, notes: [expect.stringMatching(/not finished/)] });
    await wrote(1);
    expect(await verifyAudit(folder)).toMatchObject({ intact: true, records: 4 });
    expect((await readAudit(folder, all)).records[1]).toMatchObject({ action: "audit.repaired", details: { torn_bytes: 21 } });
  });

  it("waits for a disk that does not write, and loses nothing that fits its queue", async ({ skip }) => {
    skip(process.platform === "win32" || process.getuid?.() === 0, "root writes into any folder");
    const log = await open();
    await chmod(folder, 0o500);
    for (let i = 0; i < 3000; i++) log.note("agent", "x", "y");
    await log.flush();
    expect(log.problem).toMatch(/cannot be written/);
    await chmod(folder, 0o700);
    await log.close();
    expect(log.problem).toBe(null);
    const { records } = await readAudit(folder, all);
    expect(records[0]).toMatchObject({ action: "audit.lost", details: { count: 1000 } });
  });

  it("waits for a file that cannot be made, as root, too", async () => {
    const log = await open();
    // A folder stands where the file should be.
    await mkdir(first());
    log.note("agent", "x", "y");
    await log.flush();
    expect(log.problem).toMatch(/cannot be written/);
    await rm(first(), { recursive: true });
    await log.close();
    expect(await verifyAudit(folder)).toMatchObject({ intact: true, records: 1 });
  });
});

describe("what was tampered with shows", () => {
  const lines = async (): Promise<string[]> => (await readFile(first(), "utf8")).trimEnd().split("\n");
  const put = (some: readonly string[]): Promise<void> => writeFile(first(), some.map((line) => `${line}\n`).join(""));

  it("any byte that is changed", async () => {
    await wrote(6);
    const whole = await readFile(first());
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }), async (at, bits) => {
        const changed = Buffer.from(whole);
        changed[at] ^= bits;
        await writeFile(first(), changed);
        const { intact, faults } = await verifyAudit(folder);
        expect(intact).toBe(false);
        expect(faults[0]).toMatchObject(at < whole.length - 1 ? { file: "000001.jsonl" } : { file: "head" });
      }),
      { numRuns: 200 },
    );
  });

  it("a line that is taken out, at the beginning, in the middle, at the end", async () => {
    await wrote(6);
    const whole = await lines();
    for (const [at, place] of [
      [0, { file: "000001.jsonl", line: 1 }],
      [2, { file: "000001.jsonl", line: 3 }],
      [5, { file: "head" }],
    ] as const) {
      await put(whole.toSpliced(at, 1));
      expect((await verifyAudit(folder)).faults[0], String(at)).toMatchObject(place);
    }
  });

  it("lines that are swapped or repeated", async () => {
    await wrote(6);
    const whole = await lines();
    await put([whole[0], whole[2], whole[1], ...whole.slice(3)]);
    expect((await verifyAudit(folder)).faults[0]).toMatchObject({ line: 2 });
    expect((await readAudit(folder, all)).intact).toBe(false);
    await put([...whole.slice(0, 3), ...whole.slice(2)]);
    expect((await verifyAudit(folder)).faults[0]).toMatchObject({ line: 4 });
  });

  it("an end that is cut off, still after the agent wrote on, and with the head forged against a hash kept elsewhere", async () => {
    await wrote(6);
    const { lastHash } = await verifyAudit(folder);
    const whole = await lines();
    await put(whole.slice(0, 4));
    expect((await verifyAudit(folder)).faults).toMatchObject([
      { file: "head", reason: expect.stringMatching(/5 to 6/) as string },
    ]);
    const forged = /"hash":"(\w+)"/.exec(whole[3])?.[1] ?? "";
    const head = await readFile(join(folder, "head"));
    await writeFile(join(folder, "head"), `0000000000000004 ${forged}\n`);
    expect((await verifyAudit(folder)).intact).toBe(true);
    expect((await verifyAudit(folder, lastHash)).intact).toBe(false);
    await writeFile(join(folder, "head"), head);
    await wrote(1);
    const after = await verifyAudit(folder);
    expect(after.faults[0].reason).toMatch(/5 to 6 are missing/);
    expect(after.notes[0]).toMatch(/audit\.damaged/);
  });

  it("a file or a head that is gone", async () => {
    await wrote(6);
    await rm(join(folder, "head"));
    expect((await verifyAudit(folder)).intact).toBe(false);
    await wrote(1);
    await truncate(first(), 0);
    expect((await verifyAudit(folder)).intact).toBe(false);
    expect(await readdir(folder)).toContain("head");
  });
});
