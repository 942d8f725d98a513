import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { JsonLinesParser, ExpositionParser, type TextReading } from "all-use-agent/sdk";
import { expect, onTestFinished, test } from "vitest";
import { execChecks } from "../../main/host/exec/checks.ts";
import { checkManifest } from "../../main/host/manifest.ts";

const docs = join(import.meta.dirname, "../../docs");
const guide = readFileSync(join(docs, "plugins-exec.md"), "utf8");

test("the guide's whole example, in Python, passes every check", async ({ skip }) => {
  skip(!hasPython(), "there is no python3 on this machine");
  const [, json, code] = /^`plugin\.json`\n\n```json\n(.*?)^```\n\n`collect\.py`\n\n```python\n(.*?)^```$/ms.exec(guide)!;
  const manifest = checkManifest(JSON.parse(json), "plugin.json");
  const folder = mkdtempSync(join(tmpdir(), "alluse-guide-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, "plugin.json"), json);
  writeFileSync(join(folder, "collect.py"), code);
  for (const { name, run } of execChecks(manifest, folder)) await expect(run(), name).resolves.toBe(undefined);
});

test("the guide's samples say the same in every format", () => {
  const define = (): number => 0;
  const [openmetrics, prometheus] = [...guide.matchAll(/^```text\n(.*?)^```$/gms)].map(([, text]) => text);
  const json = /^```json\n(\{ "metric".*?)^```$/ms.exec(guide)![1];
  const readings: TextReading[] = [
    [new ExpositionParser({ format: "openmetrics", define }), openmetrics] as const,
    [new ExpositionParser({ format: "prometheus", define }), prometheus] as const,
    [new JsonLinesParser({ define }), json] as const,
  ].map(([parser, text]) => {
    parser.push(text);
    return parser.end();
  });
  for (const { batch, faults } of readings)
    expect([faults, batch.length, batch.values[0], batch.timestamps[0]]).toEqual([[], 1, 21.5, 1767225600500]);
});

test("every file that the guide links to is there", () => {
  for (const [, path] of guide.matchAll(/\]\(([^)#:]+)\)/g)) expect(() => readFileSync(join(docs, path)), path).not.toThrow();
});

function hasPython(): boolean {
  try {
    execFileSync("python3", ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
