/**
 * Takes the types out of TypeScript: a line of JSON `{path: source}` in, one `{path: JavaScript}` out. A process of its own,
 * because Node's compiler takes 12 MB and 90 ms to load. Started by typescript.ts.
 */
import module from "node:module";
import { createInterface } from "node:readline";

/** Whoever saves once saves again soon. */
const IDLE_MS = 60_000;

let idle = setTimeout(() => process.exit(0), IDLE_MS);
createInterface({ input: process.stdin })
  .on("line", (line) => {
    clearTimeout(idle);
    const stripped: Record<string, string> = {};
    for (const [path, source] of Object.entries(JSON.parse(line) as Record<string, string>)) {
      try {
        stripped[path] = module.stripTypeScriptTypes(source);
      } catch {
        // Left out: Node says in the plugin's own process what is wrong with it.
      }
    }
    process.stdout.write(`${JSON.stringify(stripped)}\n`);
    idle = setTimeout(() => process.exit(0), IDLE_MS);
  })
  .on("close", () => process.exit(0));
