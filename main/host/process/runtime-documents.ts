import type { DocumentFilter, DocumentQuery, Documents } from "all-use-agent/sdk";
import type { DocumentsOrder } from "./messages.ts";

/** Uses a collection of the document store in this process; the answer as JSON. */
export async function documentsAnswer(store: Documents, order: DocumentsOrder): Promise<Uint8Array> {
  return Buffer.from(JSON.stringify((await answerTo(store, order)) ?? null));
}

function answerTo(store: Documents, { what, collection, options, argument }: DocumentsOrder): Promise<unknown> {
  const found = store.collection<{ _id: string }>(collection, options);
  switch (what) {
    case "get":
      return found.get(argument as string);
    case "find":
      return found.find(argument as DocumentQuery);
    case "count":
      return found.count(argument as DocumentFilter);
    case "remove":
      return found.remove(argument as DocumentFilter);
    default:
      return found.put(argument as { _id: string });
  }
}
