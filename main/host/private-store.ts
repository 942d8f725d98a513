import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { AgentError, type PrivateStore } from "all-use-agent/sdk";
import { readFileOrNull, writeFileAtomic } from "./files.ts";

const NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/;

/** A plugin's own bytes in a folder of its own, below `state/` of the data folder. */
export function privateStore(folder: string): PrivateStore {
  const pathOf = (name: string): string => {
    if (!NAME.test(name))
      throw new AgentError(
        "store_name_invalid",
        `a name in the store is lower-case letters, digits, dots and dashes, not ${JSON.stringify(name)}`,
      );
    return join(folder, name);
  };
  return {
    read: async (name) => readFileOrNull(pathOf(name)),
    write: async (name, bytes) => {
      const path = pathOf(name);
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await writeFileAtomic(path, bytes);
    },
  };
}
