import { execFileSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { execChecks } from "../../host/exec/checks.ts";
import { checkManifest } from "../../host/manifest.ts";
import { PROGRAM_LANGUAGES, programFiles } from "./exec.ts";

describe.each(PROGRAM_LANGUAGES)("a new collector in %s", (language) => {
  it("has a manifest that the host takes, and passes every check as it is", async ({ skip }) => {
    const files = programFiles("sea-level", language);
    const manifest = checkManifest(JSON.parse(files["plugin.json"]), "plugin.json");
    const [program] = manifest.exec!.command;
    skip(!runs(program), `there is no ${program} on this machine`);
    const folder = await mkdtemp(join(tmpdir(), "alluse-template-"));
    try {
      for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
      for (const { name, run } of execChecks(manifest, folder)) await expect(run(), name).resolves.toBe(undefined);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

function runs(program: string): boolean {
  try {
    execFileSync(program, ["-c", program === "sh" ? ":" : ""]);
    return true;
  } catch {
    return false;
  }
}
