import { AgentError, type DocumentCollection, type Documents } from "all-use-agent/sdk";

/**
 * The document store as plugins and rooms hold it: found anew at each call, since the plugin behind it may come later or
 * fail. Without one there is nothing to find, and `put` throws `documents_unavailable`.
 */
export function lateDocuments(provider: () => Documents | null): Documents {
  return {
    collection<T extends { _id: string }>(name: string, options: Parameters<Documents["collection"]>[1]): DocumentCollection<T> {
      const now = (): DocumentCollection<T> | null => provider()?.collection<T>(name, options) ?? null;
      return {
        get: async (id) => (await now()?.get(id)) ?? null,
        find: async (query) => (await now()?.find(query)) ?? [],
        count: async (filter) => (await now()?.count(filter)) ?? 0,
        remove: async (filter) => (await now()?.remove(filter)) ?? 0,
        put: async (document) => {
          const collection = now();
          if (!collection) throw new AgentError("documents_unavailable", `no document store runs, so ${name} cannot be kept`);
          await collection.put(document);
        },
      };
    },
  };
}
