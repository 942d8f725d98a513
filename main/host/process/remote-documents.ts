import {
  AgentError,
  type CollectionOptions,
  type DocumentCollection,
  type DocumentFilter,
  type DocumentQuery,
} from "all-use-agent/sdk";
import { callWithin, faultless } from "./call-within.ts";
import { parseJson } from "./frames.ts";
import type { DocumentsOrder } from "./messages.ts";
import type { ProxyParts } from "./proxy.ts";

const WITHIN_MS = 5000;
/** What one `find` may bring; a second's worth of the pipe. */
const ANSWER_MAX_BYTES = 8 * 1024 * 1024;

const FAULTS = ["documents_late", "documents_invalid"];

/** A document store in its process: every use of a collection is a call. */
export function remoteCollection(parts: ProxyParts) {
  const { channel, id } = parts;
  const ask = <T>(order: DocumentsOrder, isAnswer: (value: unknown) => boolean): Promise<T> =>
    faultless(parts, FAULTS, async () => {
      if (channel.congested) throw new AgentError("documents_late", `${id} reads more slowly than it is asked`);
      const within = { ms: WITHIN_MS, code: "documents_late", what: `${order.what} of ${id}`, answerMaxBytes: ANSWER_MAX_BYTES };
      const { bytes } = await callWithin(channel, "documents", [order], within);
      const value = bytes.length > 0 ? parseJson(Buffer.from(bytes).toString("utf8")) : null;
      if (!isAnswer(value)) throw new AgentError("documents_invalid", `${order.what} of ${id} gave what is no answer to it`);
      return value as T;
    });
  return <T extends { _id: string }>(name: string, options: CollectionOptions): DocumentCollection<T> => {
    const about = { collection: name, options };
    return {
      get: (documentId: string) =>
        ask({ ...about, what: "get", argument: documentId }, (value) => value === null || isDocument(value)),
      find: (query: DocumentQuery = {}) =>
        ask({ ...about, what: "find", argument: query }, (value) => Array.isArray(value) && value.every(isDocument)),
      count: (filter: DocumentFilter = {}) => ask({ ...about, what: "count", argument: filter }, isCount),
      remove: (filter: DocumentFilter) => ask({ ...about, what: "remove", argument: filter }, isCount),
      put: async (document: T) => void (await ask({ ...about, what: "put", argument: document }, () => true)),
    };
  };
}

function isDocument(value: unknown): boolean {
  return typeof value === "object" && value !== null && typeof (value as { _id?: unknown })._id === "string";
}

function isCount(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) >= 0;
}
