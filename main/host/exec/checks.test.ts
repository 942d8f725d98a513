import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { checkManifest } from "../manifest.ts";
import { execChecks } from "./checks.ts";

const hasSh = existsSync("/bin/sh");

/** Name of a check → why it failed; those that passed are left out. */
async function failures(script: string, exec: Record<string, unknown> = {}): Promise<Record<string, string>> {
  const folder = await mkdtemp(join(tmpdir(), "alluse-checks-"));
  const manifest = checkManifest(
    {
      id: "collectors/demo",
      version: "1.0.0",
      api: 1,
      kind: "collector",
      isolation: "exec",
      exec: { command: ["sh", "collect.sh"], format: "openmetrics", ...exec },
      title: "Demo",
      stability: "beta",
      metrics: {
        demo_level: { type: "gauge", unit: "ratio", help: "A level." },
        demo_total: { type: "counter", help: "A count." },
        demo_wait_seconds: { type: "histogram", unit: "seconds", help: "Waits." },
      },
    },
    "plugin.json",
  );
  try {
    await writeFile(join(folder, "plugin.json"), JSON.stringify(manifest));
    await writeFile(join(folder, "collect.sh"), script);
    const found: Record<string, string> = {};
    for (const { name, run } of execChecks(manifest, folder)) await run().catch((error: Error) => (found[name] = error.message));
    return found;
  } finally {
    await rm(folder, { recursive: true });
  }
}

describe.skipIf(!hasSh)("the checks of a program", () => {
  it("let one pass that is well, families and all", async () => {
    const script = `cat <<'END'
# TYPE demo_level gauge
# UNIT demo_level ratio
demo_level 0.5
# TYPE demo counter
demo_total 3
demo_created 1520430000.123
# TYPE demo_wait_seconds histogram
demo_wait_seconds_bucket{le="1"} 1 # {trace_id="x"} 0.5
demo_wait_seconds_bucket{le="+Inf"} 1
demo_wait_seconds_count 1
demo_wait_seconds_sum 0.5
# EOF
END`;
    expect(await failures(script)).toEqual({});
  });

  it("let a stream pass that runs on", async () => {
    const script = `while :; do echo '{"metric": "demo_level", "value": 1}'; sleep 0.1; done`;
    expect(await failures(script, { mode: "stream", format: "jsonl" })).toEqual({});
  });

  it.each([
    ["undeclared", "echo other 1; echo demo_level 1; echo '# EOF'", /declares/, /other, which its plugin.json does not declare/],
    [
      "another type",
      "echo '# TYPE demo_level counter'; echo demo_level 1; echo '# EOF'",
      /declares/,
      /TYPE counter, plugin.json gauge/,
    ],
    [
      "another unit",
      "echo '# UNIT demo_level bytes'; echo demo_level 1; echo '# EOF'",
      /declares/,
      /UNIT bytes, plugin.json ratio/,
    ],
    ["rubbish", "echo starting up; echo demo_level 1; echo '# EOF'", /can be read/, /line 1, column 10/],
    ["no end", "echo demo_level 1", /can be read/, /# EOF/],
    ["no sample", "echo '# EOF'", /prints a reading/, /no sample came of it/],
    ["a failure", "echo no device >&2; exit 3", /prints a reading/, /status 3: no device/],
    ["a hang", "sleep 20", /prints a reading/, /longer than 1000 ms/],
    ["milliseconds for seconds", "echo demo_level 1 1700000000; echo '# EOF'", /make sense/, /times are seconds/],
    ["a series twice", "echo demo_level 1; echo demo_level 2; echo '# EOF'", /make sense/, /twice/],
    ["a falling counter", "echo demo_total -1; echo '# EOF'", /make sense/, /counter and has the value -1/],
    ["deafness", "trap '' TERM; while :; do sleep 0.1; done", /SIGTERM/, /within 1000 ms of SIGTERM/],
  ])("find %s", async (_what, script, check, message) => {
    const found = await failures(script);
    expect(Object.entries(found).find(([name]) => check.test(name))?.[1]).toMatch(message);
  });
});
