import { API_VERSION, type ExecSpec, type Manifest } from "all-use-agent/sdk";
import { nameForms } from "./shape.ts";

/** A collector as a program: what it is written in, and how it is started. */
export type ProgramLanguage = "python" | "sh";

export const PROGRAM_LANGUAGES: readonly ProgramLanguage[] = ["python", "sh"];

const FILE: Readonly<Record<ProgramLanguage, string>> = { python: "collect.py", sh: "collect.sh" };
const EXEC: Readonly<Record<ProgramLanguage, ExecSpec>> = {
  python: { command: ["python3", FILE.python], format: "openmetrics", mode: "once" },
  sh: { command: ["sh", FILE.sh], format: "prometheus", mode: "once" },
};

/** All files of a new collector in another language: name → text. It runs, and passes `alluse plugin test`, as it is. */
export function programFiles(name: string, language: ProgramLanguage): Record<string, string> {
  const { snake, title } = nameForms(name);
  const manifest: Manifest = {
    id: `collectors/${name}`,
    version: "0.1.0",
    api: API_VERSION,
    kind: "collector",
    isolation: "exec",
    exec: EXEC[language],
    title,
    description: "It measures one level and shows it as a chart.",
    stability: "development",
    budget: { cpu_ms_per_s: 20, memory_mb: 48 },
    config: {
      type: "object",
      additionalProperties: false,
      properties: {
        interval_ms: { type: "integer", minimum: 1000, default: 5000, description: "How often the program is started." },
        period_s: { type: "number", exclusiveMinimum: 0, default: 60, description: "Length of the wave, in seconds." },
      },
    },
    metrics: { [`${snake}_level`]: { type: "gauge", unit: "percent", help: `The level of ${title.toLowerCase()}.` } },
    panels: [{ id: "level", title, expr: `${snake}_level`, unit: "percent", place: "machine", order: 900 }],
  };
  return {
    "plugin.json": `${JSON.stringify(manifest, null, 2)}\n`,
    [FILE[language]]: language === "python" ? pythonOf(snake) : shOf(snake),
    "README.md": readmeOf(manifest, FILE[language]),
  };
}

function pythonOf(snake: string): string {
  return `"""Prints one reading as OpenMetrics text and exits. The agent starts it at every multiple of interval_ms."""

import json
import math
import os
import time

# The configuration, with the defaults of plugin.json filled in.
config = json.loads(os.environ["ALLUSE_CONFIG"])

# Replace the wave by what you measure.
level = 50 + 40 * math.sin(2 * math.pi * time.time() / config["period_s"])

print("# TYPE ${snake}_level gauge")
print(f"${snake}_level {level:.3f}")
print("# EOF")
`;
}

function shOf(snake: string): string {
  return `# Prints one reading as Prometheus text and exits. The agent starts it at every multiple of interval_ms.
# The configuration, with the defaults of plugin.json filled in, is in ALLUSE_CONFIG_INTERVAL_MS and so on.

# Replace the saw by what you measure.
period=\${ALLUSE_CONFIG_PERIOD_S%.*}
level=$(($(date +%s) % period * 100 / period))

echo "# TYPE ${snake}_level gauge"
echo "${snake}_level $level"
`;
}

function readmeOf(manifest: Manifest, file: string): string {
  const properties = Object.entries(
    (manifest.config?.properties ?? {}) as Record<string, { default?: unknown; description?: string }>,
  );
  return `# ${manifest.title}

## What it does

${manifest.description ?? ""} The program is \`${file}\`.

## Configuration

${properties.map(([name, { default: value, description }]) => `- \`${name}\` (default \`${JSON.stringify(value)}\`): ${description ?? ""}`).join("\n")}

## Metrics

${Object.entries(manifest.metrics ?? {})
  .map(([name, { type, unit, help }]) => `- \`${name}\`, ${type} in ${unit ?? "no unit"}: ${help}`)
  .join("\n")}

## What it costs

Run \`alluse plugin info ${manifest.id}\` and write down what it says.

## Limits

Say here what it does not do.

## Tests

\`alluse plugin test .\` runs the program and checks what it prints against plugin.json.
`;
}
