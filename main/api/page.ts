import { readdir, readFile, stat } from "node:fs/promises";
import { extname, join } from "node:path";
import { answer } from "./answer.ts";
import type { Answer, DoorRequest } from "./exchange.ts";

/** The built page's files. Answers null for a path that is not one of them. */
export interface Page {
  serve(request: DoorRequest, url: URL): Promise<Answer | null>;
}

const TYPE_OF_EXTENSION: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".mjs": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json; charset=utf-8",
  ".webmanifest": "application/manifest+json; charset=utf-8",
  ".txt": "text/plain; charset=utf-8",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".jpg": "image/jpeg",
  ".webp": "image/webp",
  ".ico": "image/x-icon",
  ".woff2": "font/woff2",
};

/** Vite puts a hash of the content into the names of what it puts into `assets`, so these never change. */
const HASHED_ASSET = /^\/assets\/[^/]+-[A-Za-z0-9_-]{8}\.[a-z0-9]+$/;
/** A built page has some ten files; more than this is not a page. */
const MAX_FILES = 2000;
const RELIST_INTERVAL_MS = 1000;

/**
 * Serves the regular files of a folder. A path is looked up among the listed files and never put together from what
 * the client sent, so nothing outside the folder can be named. A new build is seen within a second.
 */
export function createPage(pageDir: string): Page {
  let files = new Map<string, string>();
  let listedMs = -Infinity;

  return {
    async serve(request, url) {
      const path = decodePath(url.pathname);
      if (path === null) return null;
      const wanted = path === "/" ? "/index.html" : path;
      let file = files.get(wanted);
      if (file === undefined && performance.now() - listedMs > RELIST_INTERVAL_MS) {
        listedMs = performance.now();
        files = await listFiles(pageDir);
        file = files.get(wanted);
      }
      return file === undefined ? null : serveFile(request, wanted, file);
    },
  };
}

async function serveFile(request: DoorRequest, path: string, file: string): Promise<Answer | null> {
  let etag: string;
  let bytes: Buffer<ArrayBuffer>;
  try {
    const { size, mtimeMs } = await stat(file);
    etag = `"${size.toString(36)}-${Math.round(mtimeMs).toString(36)}"`;
    const cache = cacheHeaders(path, etag);
    if (matchesEtag(request.headers.get("if-none-match"), etag)) return answer(304, null, null, cache);
    bytes = await readFile(file);
  } catch (error) {
    // Listed a moment ago and gone now: a build is running.
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
  return answer(
    200,
    TYPE_OF_EXTENSION[extname(path).toLowerCase()] ?? "application/octet-stream",
    bytes,
    cacheHeaders(path, etag),
  );
}

function cacheHeaders(path: string, etag: string): Record<string, string> {
  return { ETag: etag, "Cache-Control": HASHED_ASSET.test(path) ? "private, max-age=31536000, immutable" : "no-cache" };
}

function matchesEtag(header: string | null, etag: string): boolean {
  if (header === null) return false;
  return header.split(",").some((candidate) => candidate.trim().replace(/^W\//, "") === etag);
}

function decodePath(pathname: string): string | null {
  try {
    return decodeURIComponent(pathname);
  } catch {
    return null;
  }
}

/** Path below the folder with a leading slash → path on disk. Links are left out: they may lead outside. */
async function listFiles(pageDir: string): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  const folders = [""];
  for (let folder = folders.pop(); folder !== undefined && files.size < MAX_FILES; folder = folders.pop()) {
    const entries = await readdir(join(pageDir, folder), { withFileTypes: true }).catch(() => []);
    for (const entry of entries) {
      const path = `${folder}/${entry.name}`;
      if (entry.isDirectory()) folders.push(path);
      else if (entry.isFile() && files.size < MAX_FILES) files.set(path, join(pageDir, path));
    }
  }
  return files;
}
