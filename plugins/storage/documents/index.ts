import {
  AgentError,
  type CollectionOptions,
  createBatch,
  definePlugin,
  type DocumentCollection,
  errorText,
} from "all-use-agent/sdk";
import { isAbsolute, join } from "node:path";
import { Collection } from "./collection.ts";
import { fileNameOf, makeFolder } from "./file.ts";

interface Config {
  path: string;
  max_document_bytes?: number;
}

const REPORT_INTERVAL_MS = 30_000;
const MAX_DOCUMENT_BYTES_DEFAULT = 262_144;

export default definePlugin<"storage", Config>("storage", (ctx, config) => {
  const collections = new Map<string, Collection>();
  const maxDocumentBytes = config.max_document_bytes ?? MAX_DOCUMENT_BYTES_DEFAULT;
  let corruptFiles = 0;
  let tornTails = 0;
  let stopped = false;
  const batch = createBatch(64);

  const around = {
    now: () => ctx.clock.now(),
    maxDocumentBytes: () => maxDocumentBytes,
    stopped: () => stopped,
    onTornTail: () => void tornTails++,
    onCorrupt: (path: string, aside: string, error: unknown) => {
      corruptFiles++;
      ctx.log.warn("a collection had unreadable lines; it was kept aside and goes on with what could be read", {
        path,
        aside,
        error: errorText(error),
      });
      ctx.status("degraded", `${path} had unreadable lines; it was kept aside as ${aside} and goes on with what could be read`);
    },
  };

  function add(row: number, name: string, labels: Record<string, string>, value: number): number {
    if (row >= batch.series.length) return row;
    batch.series[row] = ctx.series(name, labels);
    batch.timestamps[row] = ctx.clock.now();
    batch.values[row] = value;
    return row + 1;
  }

  function report(): void {
    let rows = add(0, "alluse_documents_corrupt_files_total", {}, corruptFiles);
    rows = add(rows, "alluse_documents_torn_tails_total", {}, tornTails);
    for (const [collection, { size }] of collections) rows = add(rows, "alluse_documents_stored", { collection }, size);
    batch.length = rows;
    ctx.emit(batch);
  }

  return {
    async start() {
      if (!isAbsolute(config.path)) {
        throw new AgentError("config_invalid", `path must be an absolute folder, found "${config.path}"`, { where: "/path" });
      }
      try {
        await makeFolder(config.path);
      } catch (error) {
        throw new AgentError(
          "documents_unavailable",
          `the folder ${config.path} cannot be made (${errorText(error)}); give one that can be written`,
          {
            where: config.path,
            cause: error,
          },
        );
      }
      ctx.every(REPORT_INTERVAL_MS, report);
    },

    async stop() {
      // What was begun before is finished; what is asked for from now on is refused.
      const settled = [...collections.values()].map((collection) => collection.settled());
      await Promise.all(settled);
      stopped = true;
    },

    collection<T extends { _id: string }>(name: string, options: CollectionOptions): DocumentCollection<T> {
      if (
        name === "" ||
        name.length > 80 ||
        !Number.isInteger(options.maxDocuments) ||
        options.maxDocuments < 1 ||
        options.orderBy === ""
      ) {
        throw new AgentError(
          "collection_invalid",
          `a collection needs a name of 1 to 80 characters, maxDocuments of at least 1 and a field to order by; found ${JSON.stringify({ name, ...options })}`,
        );
      }
      const known = collections.get(name);
      if (known) {
        if (known.options.maxDocuments === options.maxDocuments && known.options.orderBy === options.orderBy) {
          return known as unknown as DocumentCollection<T>;
        }
        throw new AgentError(
          "collection_conflict",
          `collection ${name} is already open with other bounds (${JSON.stringify(known.options)}); use the same`,
        );
      }
      const made = new Collection(join(config.path, fileNameOf(name)), { ...options }, around);
      collections.set(name, made);
      return made as unknown as DocumentCollection<T>;
    },
  };
});
