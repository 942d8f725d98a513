import { appendFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { AuditLog } from "../learning/audit.ts";
import { readAudit, verifyAudit } from "../learning/audit-walk.ts";
import { auditFolder, noteOfCommand, pendingFile, takePending } from "./audit-note.ts";

let dataDir: string;
beforeEach(async () => void (dataDir = await mkdtemp(join(tmpdir(), "alluse-note-"))));
afterEach(() => rm(dataDir, { recursive: true, force: true }));

const note = (target: string) => ({ action: "plugin.removed", target, details: { a: 1 } });
const all = { fromMs: 0, toMs: Infinity, limit: 100 };

it("a command writes into the chain itself while no agent runs, and leaves a note while one does", async () => {
  await noteOfCommand(dataDir, [note("collectors/a")]);
  expect((await readAudit(auditFolder(dataDir), all)).records).toMatchObject([{ actor: "operator", target: "collectors/a" }]);
  // Another living process holds the folder: this one's parent.
  await writeFile(join(dataDir, "agent.lock"), JSON.stringify({ pid: process.ppid, started: null }));
  await noteOfCommand(dataDir, [note("collectors/b"), note("collectors/c")]);
  expect(await readFile(pendingFile(dataDir), "utf8")).toMatch(/collectors\/b[\s\S]*collectors\/c/);
  // Half a line, and what is no note at all.
  await appendFile(pendingFile(dataDir), 'null\n{"action":7}\n{"acti');
  const log = await AuditLog.open({ folder: auditFolder(dataDir), now: Date.now });
  await takePending(dataDir, log);
  await takePending(dataDir, log);
  await log.close();
  const { records } = await readAudit(auditFolder(dataDir), all);
  expect(records.map(({ target }) => target)).toEqual(["collectors/c", "collectors/b", "collectors/a"]);
  expect(records[0].details["command_ms"]).toBeTypeOf("number");
  expect((await verifyAudit(auditFolder(dataDir))).intact).toBe(true);
});

it("a note that was taken when the agent was killed is not lost", async () => {
  await noteOfCommand(dataDir, [note("collectors/a")]);
  await writeFile(`${pendingFile(dataDir)}.taken`, `${JSON.stringify(note("collectors/b"))}\n`);
  await noteOfCommand(dataDir, [note("collectors/c")]);
  const { records } = await readAudit(auditFolder(dataDir), all);
  expect(records.map(({ target }) => target)).toEqual(["collectors/c", "collectors/b", "collectors/a"]);
});
