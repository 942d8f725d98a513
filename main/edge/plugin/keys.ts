import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { AgentError, errorText } from "all-use-agent/sdk";
import { noteOfCommand } from "../../agent/audit-note.ts";
import { makeKey, publicKeyOf, readPrivateKey } from "../../host/package/signature.ts";
import { TrustList } from "../../host/package/trust.ts";
import { dataDirOf } from "../data-dir.ts";
import { localTime, table } from "../table.ts";
import { DATA_DIR_OPTION, DONE, expectPositionals, JSON_OPTION, parseCommand, UsageError } from "../usage.ts";

/** `alluse plugin keygen FILE` */
export async function keygen(args: readonly string[]): Promise<number> {
  const { positionals } = parseCommand(args, DATA_DIR_OPTION);
  expectPositionals(positionals, ["The file for the private key"]);
  const path = resolve(positionals[0]);
  const pem = makeKey();
  try {
    await writeFile(path, pem, { flag: "wx", mode: 0o600, flush: true });
  } catch (error) {
    const there = (error as NodeJS.ErrnoException).code === "EEXIST";
    throw new AgentError("key_unwritable", there ? `${path} is there already; a key is never written over` : errorText(error));
  }
  process.stdout.write(
    `${path} holds the private key: keep it to yourself.\npublic key ${publicKeyOf(readPrivateKey(pem, path))}\n`,
  );
  return DONE;
}

/** `alluse plugin trust add NAME KEY | list | remove NAME` */
export async function trust(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseCommand(args, { ...DATA_DIR_OPTION, ...JSON_OPTION });
  const dataDir = dataDirOf(values["data-dir"]);
  const list = new TrustList(dataDir);
  const [verb, ...rest] = positionals;
  switch (verb) {
    case "add": {
      expectPositionals(rest, ["The name", "The public key"]);
      const [name, key] = rest;
      await list.add(name, key, Date.now());
      await noteOfCommand(dataDir, [{ action: "trust.added", target: name, details: { key } }]);
      process.stdout.write(`Plugins signed with ${key} are shown as ${name}'s.\n`);
      return DONE;
    }
    case "remove": {
      expectPositionals(rest, ["The name"]);
      await list.remove(rest[0]);
      await noteOfCommand(dataDir, [{ action: "trust.removed", target: rest[0], details: {} }]);
      process.stdout.write(`${rest[0]} is not trusted any more; installed plugins stay.\n`);
      return DONE;
    }
    case "list": {
      expectPositionals(rest, []);
      const keys = await list.read();
      if (values.json) process.stdout.write(`${JSON.stringify({ keys }, null, 2)}\n`);
      else if (keys.length === 0) process.stdout.write("Nobody is trusted by name.\n");
      else
        process.stdout.write(
          table(
            ["NAME", "KEY", "SINCE"],
            keys.map(({ name, key, added_ms: sinceMs }) => [name, key, localTime(sinceMs)]),
          ),
        );
      return DONE;
    }
    default:
      throw new UsageError("trust takes add NAME KEY, list, or remove NAME.");
  }
}
