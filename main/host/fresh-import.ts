import module from "node:module";
import { pathToFileURL } from "node:url";

/** Entries that were loaded before, with how often. */
const loads = new Map<string, number>();
/** `?reload=N` → the address of the folder that it stands for. */
const reloaded = new Map<string, string>();
let counter = 0;
let hooked = false;

/**
 * Imports a plugin's entry; again, when it was imported before, with the plugin's own modules. Node.js keeps every module for
 * good, so a new address is what makes a new one. Before Node.js 22.15 that holds for the entry alone.
 */
export async function freshImport(folder: string, entry: string): Promise<unknown> {
  const times = loads.get(entry) ?? 0;
  loads.set(entry, times + 1);
  const url = pathToFileURL(entry).href;
  if (times === 0) return import(url);
  const query = `?reload=${++counter}`;
  reloaded.set(query, `${pathToFileURL(folder).href}/`);
  hookOnce();
  return import(`${url}${query}`);
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
