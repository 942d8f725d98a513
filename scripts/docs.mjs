/**
 * Writes what the documents say twice: the reference of `plugin.json` and its JSON Schema, that of the SDK and of the error
 * codes, and the pages of the kinds with what `alluse plugin new` writes. `node scripts/docs.mjs` after a build, on Node.js 22.18
 * or newer; test/docs says when it is due.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { KIND_FOLDER, manifestSchema, PLUGIN_KINDS } from "../sdk/manifest.ts";
import { statusOf } from "../main/api/answer.ts";
import { pluginFiles } from "../main/edge/template/folder.ts";
import { ERROR_CODES } from "../sdk/error-codes.ts";
import { errorTable, registryFaults } from "./docs/error-codes.mjs";
import { declarations, sdkReference, section } from "./docs/sdk-reference.mjs";

const root = join(import.meta.dirname, "..");

/** Path below the project → text. */
export function documents() {
  const byModule = declarations();
  return new Map([
    ...sdkReference(byModule),
    ["docs/reference/errors.md", errors(byModule.get("errors"))],
    ["docs/plugin.schema.json", `${JSON.stringify(manifestSchema, null, 2)}\n`],
    ["docs/plugin-manifest.md", reference()],
    ...kindPages(),
  ]);
}

/** What sdk/error-codes.ts lacks of the sources' codes, or has too much: sentences that say what to change. */
export function errorCodeFaults() {
  return registryFaults(ERROR_CODES);
}

function errors(kinds) {
  const places = new Map(kinds.map(({ name }) => [name, `#${name.toLowerCase()}`]));
  return `# Errors

Every error has a stable code for programs and one sentence for people: what was expected, what was found, where, and what to do. A
code stands in \`AgentError.code\`, in the answers of \`/api/agent\`, and beside the state of a plugin. Generated from
[sdk/errors.ts](../../sdk/errors.ts) and the registry [sdk/error-codes.ts](../../sdk/error-codes.ts) by \`node scripts/docs.mjs\`.

${kinds.map((kind) => section(kind, places)).join("\n")}
## Codes

HTTP is the status with which the agent's door answers the code; where there is none, 500. A plugin may use codes of its own: lower-case words
joined by underscores.

${errorTable(ERROR_CODES, statusOf)}`;
}

function reference() {
  return `# plugin.json

Generated from \`manifestSchema\` of [sdk/manifest.ts](../sdk/manifest.ts) by \`node scripts/docs.mjs\`; the same as JSON Schema is
[plugin.schema.json](plugin.schema.json). The agent checks a manifest by it before it loads any code. Properties that are not named
here are refused.

${propertyTable(manifestSchema, "")}${nested(manifestSchema, "")}`;
}

/** A section for every object or list of objects inside. */
function nested(schema, prefix) {
  let text = "";
  for (const [name, property] of Object.entries(schema.properties)) {
    const place = `${prefix}${name}`;
    const inner = property.items?.properties ? property.items : property;
    const byName = typeof property.additionalProperties === "object" ? property.additionalProperties : null;
    if (inner.properties)
      text += `\n## ${place}${property.items ? "[]" : ""}\n\n${propertyTable(inner)}${nested(inner, `${place}.`)}`;
    if (byName?.properties) text += `\n## ${place}, by name\n\n${propertyTable(byName)}`;
  }
  return text;
}

function propertyTable(schema) {
  const required = new Set(schema.required);
  const rows = Object.entries(schema.properties).map(([name, property]) => [
    `\`${name}\`${required.has(name) ? " (required)" : ""}`,
    typeOf(property),
    [property.description, ...limitsOf(property)].filter(Boolean).join(" "),
  ]);
  return table(["property", "type", "meaning"], rows);
}

function typeOf({ type, enum: values, items }) {
  if (values) return "one of";
  if (type === "array") return `list of ${items.enum ? "words" : items.type === "object" ? "objects" : `${items.type}s`}`;
  return type;
}

function limitsOf(property) {
  const { enum: values, pattern, minimum, maximum, exclusiveMinimum, minLength, maxLength, items, propertyNames } = property;
  return [
    values && `${values.map((value) => `\`${value}\``).join(", ")}.`,
    items?.enum && `Of ${items.enum.map((value) => `\`${value}\``).join(", ")}.`,
    pattern && `Matches \`${pattern.replaceAll("|", "\\|")}\`.`,
    items?.pattern && `Each matches \`${items.pattern.replaceAll("|", "\\|")}\`.`,
    propertyNames?.pattern && `Names match \`${propertyNames.pattern}\`.`,
    minimum !== undefined && `At least ${minimum}.`,
    maximum !== undefined && `At most ${maximum}.`,
    exclusiveMinimum !== undefined && `More than ${exclusiveMinimum}.`,
    minLength > 1 && `At least ${minLength} characters.`,
    maxLength !== undefined && `At most ${maxLength} characters.`,
  ];
}

function table(header, rows) {
  const line = (cells) => `| ${cells.join(" | ")} |\n`;
  return line(header) + line(header.map(() => "---")) + rows.map(line).join("");
}

/** Interfaces of sdk/kinds.ts. */
const METHODS_OF = {
  collector: ["Collector"],
  processor: ["Processor"],
  storage: ["SeriesStorage", "DocumentStorage"],
  analytics: ["Analytics"],
  model: ["Model", "FittedForecast"],
  recommender: ["Recommender", "AdviceView"],
  exporter: ["Exporter"],
};

/** What each kind is for, before its example. */
const KIND_TEXT = {
  collector:
    "Measures something and emits it. `collect` is called at every multiple of `interval_ms` of the configuration, never twice at a time; its signal is aborted when it takes too long. Trouble makes it be asked less often.",
  processor:
    'Sees samples before anything else and, with `"mutates": true`, may drop or change them. `process` is synchronous and short: no allocation a sample, no waiting. `order` says who comes first. Installed, it works in its own process on the metrics that `metrics:read` grants; all others pass by. A batch that is not back in 250 ms goes on unprocessed, and so does what comes before it has started: it is not the place to keep secrets out. What it may leave in a batch: rows of it, changed or not, or its own series in their place, never more rows; anything else it emits.',
  storage:
    "Keeps series (`provides` says `series`, the methods are those of `SeriesStorage` in [sdk/kinds.ts](../sdk/kinds.ts)) or documents (`documents`). A store of documents serves when none that comes with the agent runs: `alluse plugin disable storage/documents` makes room for this one. A store of series cannot be isolated ([why](isolation.md#stores-of-series)).",
  analytics: "Looks at every batch after the processors and publishes findings, each with the evidence it rests on.",
  model:
    "Learns from one series, which it gets without name or labels, and forecasts it. `predict` may answer later. The agent asks models that provide `forecast`, those that come with it first, and the next when one fails: `alluse plugin disable models/forecast` makes yours the first.",
  recommender: "Is asked every few seconds and gives advice: what is the matter, what to do, how sure it is, on what evidence.",
  exporter:
    "Answers a route of the agent's door, or sends batches away in `send(batch, signal)`: throw `RetryableError` where trying later may help, `PermanentError` where it cannot.",
};

/** Commands with what they do beside them. */
function aligned(commands) {
  const width = Math.max(...commands.map(([command]) => command.length));
  return commands.map(([command, does]) => `${command.padEnd(width)}   # ${does}`).join("\n");
}

/** Path → the page of a kind: what it is for, its methods, and a whole plugin, as `alluse plugin new` writes it. */
function kindPages() {
  return PLUGIN_KINDS.map((kind) => {
    const { "README.md": _readme, ...files } = pluginFiles(kind, "example", "js");
    const title = `${kind[0].toUpperCase()}${kind.slice(1)}`;
    const listing = Object.entries(files).map(
      ([name, text]) => `\`${name}\`\n\n\`\`\`${name.endsWith(".json") ? "json" : "js"}\n${text}\`\`\`\n`,
    );
    return [
      `docs/plugins-${kind}.md`,
      `# ${title}

${KIND_TEXT[kind]}

Its methods: ${METHODS_OF[kind].map((name) => `[${name}](reference/kinds.md#${name.toLowerCase()})`).join(", ")}, and those that
[every plugin](reference/kinds.md#pluginlifecycle) may have. What the context offers: [reference](reference/context.md#plugincontext). What all
kinds share: [the guide](plugins.md).

\`\`\`sh
${aligned([
  [`alluse plugin new --kind ${kind} example`, "writes what stands below, and says where"],
  ["alluse plugin test DIR", "the conformance kit on that folder"],
  [`alluse plugin info ${KIND_FOLDER[kind]}/example`, "how it does in a running agent"],
])}
\`\`\`

Generated by \`node scripts/docs.mjs\`; the tests run it as it stands here.

${listing.join("\n")}`,
    ];
  });
}

if (process.argv[1] === import.meta.filename) {
  for (const [path, text] of documents()) writeFileSync(join(root, path), text);
}
