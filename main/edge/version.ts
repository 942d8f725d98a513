import { createRequire } from "node:module";

/** The version in package.json, found by the package's own name wherever the build has put this module. */
export function agentVersion(): string {
  const manifest = createRequire(import.meta.url)("all-use-agent/package.json") as { version: string };
  return manifest.version;
}
