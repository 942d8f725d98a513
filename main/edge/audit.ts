import type { AuditRecord } from "all-use-agent/sdk";
import { auditFolder, readAudit, verifyAudit } from "../agent/audit-file.ts";
import type { Command } from "./commands.ts";
import { dataDirOf } from "./data-dir.ts";
import { localTime } from "./table.ts";
import { DATA_DIR_OPTION, DONE, expectPositionals, FAILED, JSON_OPTION, parseCommand, UsageError } from "./usage.ts";

const DAY_MS = 86_400_000;
const DEFAULT_LIMIT = 1000;
const LIMIT_MAX = 1_000_000;

const HELP = `Usage: alluse audit show [--from T] [--to T] [--plugin ID] [--limit N] [--json]
       alluse audit verify [--known HASH] [--json]

  show     what was installed, granted, used, refused and failed, oldest first; a day back when no --from is given
  verify   walks the whole chain of hashes and says where it breaks; exit status 1 when it does. Needs no agent

  --from T, --to T  RFC 3339 (2026-11-22T16:00:00Z) or Unix seconds
  --plugin ID       only what it did or what was done to it
  --limit N         the newest N (default ${DEFAULT_LIMIT})
  --known HASH      a hash that you kept elsewhere: the record that had it must still be there
  --data-dir D      the agent's data folder (default: the platform's)
  --json            output to parse
`;

export const audit: Command = {
  help: HELP,
  async run(args) {
    const { values, positionals } = parseCommand(args, {
      ...DATA_DIR_OPTION,
      ...JSON_OPTION,
      from: { type: "string" },
      to: { type: "string" },
      plugin: { type: "string" },
      limit: { type: "string" },
      known: { type: "string" },
    });
    expectPositionals(positionals, ["show or verify"]);
    const folder = auditFolder(dataDirOf(values["data-dir"]));
    switch (positionals[0]) {
      case "verify":
        return verify(folder, values.known ?? null, values.json ?? false);
      case "show": {
        const toMs = timeOf(values.to, Infinity, "--to");
        const fromMs = timeOf(values.from, Math.min(Date.now(), toMs) - DAY_MS, "--from");
        const limit = Number(values.limit ?? DEFAULT_LIMIT);
        if (!Number.isInteger(limit) || limit < 1 || limit > LIMIT_MAX)
          throw new UsageError(`--limit must be a number from 1 to ${LIMIT_MAX}, found ${JSON.stringify(values.limit)}.`);
        const found = await readAudit(folder, {
          fromMs,
          toMs,
          limit,
          ...(values.plugin !== undefined && { plugin: values.plugin }),
        });
        if (values.json) process.stdout.write(`${JSON.stringify(found, null, 2)}\n`);
        else process.stdout.write(found.records.reverse().map(lineOf).join(""));
        if (!found.intact)
          process.stderr.write("alluse audit: these records do not hang together; alluse audit verify says where.\n");
        return found.intact ? DONE : FAILED;
      }
      default:
        throw new UsageError(`There is no audit command ${JSON.stringify(positionals[0])}.`);
    }
  },
};

async function verify(folder: string, known: string | null, json: boolean): Promise<number> {
  if (known !== null && !/^[0-9a-f]{64}$/.test(known)) throw new UsageError("--known takes a hash of 64 hexadecimal digits.");
  const verdict = await verifyAudit(folder, known);
  if (json) process.stdout.write(`${JSON.stringify(verdict, null, 2)}\n`);
  else {
    for (const { file, line, reason } of verdict.faults) process.stdout.write(`BROKEN ${file} line ${line}: ${reason}\n`);
    for (const note of verdict.notes) process.stdout.write(`${note}\n`);
    const { records, firstSeq, lastSeq, lastHash } = verdict;
    if (records === 0) process.stdout.write("There are no records.\n");
    else {
      const [first, last, hash] = [firstSeq, lastSeq, lastHash].map(String);
      process.stdout.write(`${records} records, ${first} to ${last}, the last with the hash ${hash}.\n`);
    }
    if (verdict.intact && records > 0) process.stdout.write("The chain is intact.\n");
  }
  return verdict.intact ? DONE : FAILED;
}

function lineOf({ timeMs, actor, action, target, details }: AuditRecord): string {
  const more = Object.entries(details)
    .filter(([, value]) => value !== null && value !== "")
    .map(([name, value]) => `${name}=${typeof value === "string" ? JSON.stringify(value) : String(value)}`);
  // What a plugin chose to be called must not speak to the terminal.
  return `${[localTime(timeMs), actor, action, target, ...more].join("  ").replace(/[\u0000-\u001f\u007f-\u009f]/g, "?")}\n`;
}

function timeOf(text: string | undefined, absent: number, name: string): number {
  if (text === undefined) return absent;
  const timeMs = /^\d+(\.\d+)?$/.test(text) ? Number(text) * 1000 : Date.parse(text);
  if (Number.isNaN(timeMs))
    throw new UsageError(`${name} must be a time such as 2026-11-22T16:00:00Z, found ${JSON.stringify(text)}.`);
  return timeMs;
}
