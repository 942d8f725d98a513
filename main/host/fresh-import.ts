import module from "node:module";
import { pathToFileURL } from "node:url";

/** Entries that were loaded, by folder. */
const loaded = new Set<string>();
/** Folder → `?reload=N` under which it is loaded now. */
const queries = new Map<string, string>();
/** `?reload=N` → the address of the folder that it stands for. */
const reloaded = new Map<string, string>();
let counter = 0;
let hooked = false;

/** The next import of the folder's entry is a new one: its files have changed, or what failed is tried again. */
export function renew(folder: string): void {
  if (!loaded.has(folder)) return;
  const query = `?reload=${++counter}`;
  queries.set(folder, query);
  reloaded.set(query, `${pathToFileURL(folder).href}/`);
}

/**
 * Imports a plugin's entry; after `renew`, again, with the plugin's own modules. Node.js keeps every module for good, so a new
 * address is what makes a new one. Before Node.js 22.15 that holds for the entry alone.
 */
export async function freshImport(folder: string, entry: string): Promise<unknown> {
  loaded.add(folder);
  const query = queries.get(folder);
  if (query === undefined) return import(pathToFileURL(entry).href);
  hookOnce();
  return import(`${pathToFileURL(entry).href}${query}`);
}

function hookOnce(): void {
  if (hooked || typeof module.registerHooks !== "function") return;
  hooked = true;
  module.registerHooks({
    resolve(specifier, context, next) {
      const found = next(specifier, context);
      const query = context.parentURL === undefined ? "" : new URL(context.parentURL).search;
      const folder = reloaded.get(query);
      if (folder === undefined || !found.url.startsWith(folder) || found.url.includes("?")) return found;
      return { ...found, url: `${found.url}${query}` };
    },
  });
}
