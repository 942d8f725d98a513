import module from "node:module";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { AgentError, errorText } from "all-use-agent/sdk";
import type { ConformanceCheck } from "all-use-agent/sdk/conformance";
import { builtSdk } from "../../agent/paths.ts";
import { readManifest } from "../../host/manifest.ts";
import { readPluginFolder } from "../../host/package/read-package.ts";
import { sdkModules } from "../../host/sdk-link.ts";
import { DATA_DIR_OPTION, DONE, expectPositionals, FAILED, JSON_OPTION, parseCommand } from "../usage.ts";

/** A check of a plugin that hangs must end too; the longest check of a well one takes 6 s. */
const CHECK_WITHIN_MS = 60_000;

interface CheckResult {
  readonly name: string;
  readonly ok: boolean;
  /** Why not, in one sentence; null when it is. */
  readonly reason: string | null;
  readonly ms: number;
}

/** `alluse plugin test DIR [--json]` */
export async function testPlugin(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseCommand(args, { ...DATA_DIR_OPTION, ...JSON_OPTION });
  expectPositionals(positionals, ["The plugin's folder"]);
  const folder = resolve(positionals[0]);
  // With the host's own words before anything is loaded, and nothing in it that could not be packed.
  const { id, entry, isolation } = await readManifest(folder);
  const { manifest } = await readPluginFolder(folder);
  provideSdk();
  const checks =
    isolation === "exec"
      ? (await import("../../host/exec/checks.ts")).execChecks(manifest, folder)
      : (await import("all-use-agent/sdk/conformance")).conformanceChecks(
          manifest,
          () => import(pathToFileURL(join(folder, entry!)).href),
        );
  const uncaught: unknown[] = [];
  const note = (error: unknown): void => void uncaught.push(error);
  process.on("uncaughtException", note);
  process.on("unhandledRejection", note);
  const results: CheckResult[] = [];
  for (const check of checks) {
    const result = await runCheck(check, uncaught);
    results.push(result);
    if (!values.json)
      process.stdout.write(`${result.ok ? "ok  " : "FAIL"}  ${result.name}${result.ok ? "" : `: ${result.reason ?? ""}`}\n`);
  }
  const failed = results.filter(({ ok }) => !ok).length;
  const summary = `${id}: ${results.length - failed} of ${results.length} checks passed.\n`;
  const status = failed === 0 ? DONE : FAILED;
  // A plugin that left a timer behind must not keep the process.
  process.stdout.write(values.json ? `${JSON.stringify({ id, checks: results }, null, 2)}\n` : summary, () =>
    process.exit(status),
  );
  return status;
}

async function runCheck({ name, run }: ConformanceCheck, uncaught: unknown[]): Promise<CheckResult> {
  const startMs = performance.now();
  let reason: string | null = null;
  let timer: NodeJS.Timeout | undefined;
  try {
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () => reject(new AgentError("check_timeout", `it did not end within ${CHECK_WITHIN_MS / 1000} s`)),
        CHECK_WITHIN_MS,
      );
    });
    await Promise.race([run(), late]);
    // What it forgot to await fails a moment later.
    await new Promise((done) => setImmediate(done));
  } catch (error) {
    reason = errorText(error);
  } finally {
    clearTimeout(timer);
  }
  if (uncaught.length > 0) reason ??= `an error that nobody caught: ${errorText(uncaught[0])}`;
  uncaught.length = 0;
  return { name, ok: reason === null, reason, ms: Math.round(performance.now() - startMs) };
}

/** Makes `all-use-agent/sdk` and its siblings the agent's own copies for whatever is imported from now on, from any folder. */
function provideSdk(): void {
  const urls = sdkModules(pathToFileURL(builtSdk()).href);
  if (typeof module.registerHooks === "function") {
    module.registerHooks({
      resolve: (specifier, context, next) =>
        Object.hasOwn(urls, specifier) ? { url: urls[specifier], shortCircuit: true } : next(specifier, context),
    });
    return;
  }
  // Node.js 20: hooks run in a thread of their own and are given as a module.
  const code = `const urls = ${JSON.stringify(urls)};
export const resolve = (specifier, context, next) =>
  Object.hasOwn(urls, specifier) ? { url: urls[specifier], shortCircuit: true } : next(specifier, context);`;
  module.register(`data:text/javascript,${encodeURIComponent(code)}`);
}
