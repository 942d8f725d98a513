/**
 * The reference of the SDK: every exported declaration with the comments of its source, as the TypeScript compiler declares
 * it (`tsc --declaration`), one page a subject.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = join(import.meta.dirname, "../..");

/** Page → title, what it is about, and the modules it shows. `from` is the name under which plugins import them. */
export const PAGES = {
  context: {
    title: "The context",
    text: "What a plugin's factory gets: its only way to the outside.",
    from: "all-use-agent/sdk",
    modules: ["context"],
  },
  kinds: {
    title: "Kinds of plugins",
    text: "What a plugin of each kind is made of, and what it is given.",
    from: "all-use-agent/sdk",
    modules: ["kinds"],
  },
  series: {
    title: "Series, samples and batches",
    text: "How samples are named and handed over.",
    from: "all-use-agent/sdk",
    modules: ["series"],
  },
  knowledge: {
    title: "Findings, recommendations and forecasts",
    text: "What analytics, models and recommenders say.",
    from: "all-use-agent/sdk",
    modules: ["knowledge"],
  },
  manifest: {
    title: "Manifest and regular expressions",
    text: "Constants of the contract, the type of `plugin.json` ([its properties](../plugin-manifest.md)), [strategies](../strategies.md) of collectors, and RE2 expressions that never run away.",
    from: "all-use-agent/sdk",
    modules: ["manifest", "strategy", "regex/index", "regex/parse"],
  },
  configuration: {
    title: "Configuration and permissions",
    text: "What a plugin's configuration may say beyond JSON Schema, and what it may ask for.",
    from: "all-use-agent/sdk",
    modules: ["config-schema", "quantity", "permissions"],
  },
  outside: {
    title: "Beyond the agent",
    text: "Files, HTTP, programs and notices, each under a permission; and what to leave out of a text before it is kept.",
    from: "all-use-agent/sdk",
    modules: ["outside", "redact"],
  },
  exposition: {
    title: "Reading exposition text",
    text: "Parsers of Prometheus' text format, OpenMetrics and JSON lines.",
    from: "all-use-agent/sdk",
    modules: ["exposition/exposition-parser", "exposition/json-lines-parser", "exposition/text-parser", "exposition/family-info"],
  },
  receivers: {
    title: "Receivers",
    text: "What plugins share that take samples from others ([what there is](../receivers.md)), and a protobuf walk.",
    from: "all-use-agent/sdk",
    modules: ["reception", "stale", "protobuf/reader"],
  },
  metrics: {
    title: "Metric types",
    text: "Instruments of every type, bound to the context, and the histograms, sketches and counters behind them.",
    from: "all-use-agent/sdk",
    modules: [
      "metrics/instruments",
      "metrics/gauge",
      "metrics/counter",
      "metrics/histogram",
      "metrics/summary",
      "metrics/event",
      "metrics/state",
      "metrics/family",
      "metrics/exponential-histogram",
      "metrics/exponential-buckets",
      "metrics/bucket-series",
      "metrics/quantile-sketch",
      "metrics/counter-total",
      "metrics/metric-parts",
      "metrics/row-writer",
    ],
  },
  processing: {
    title: "Selecting, deciding and computing",
    text: "What processors with rules need: series selectors, decisions by series, NaN by its bits, arithmetic of an operator's.",
    from: "all-use-agent/sdk",
    modules: ["selector", "series-decisions", "nan-bits", "expression", "relabel/index"],
  },
  "batch-source": {
    title: "Batch collectors",
    text: "For collectors that read sources on schedules ([how they behave](../batch.md)): a plugin says how rows are read, this does the rest.",
    from: "all-use-agent/sdk",
    modules: [
      "batch-source/batch-collector",
      "batch-source/types",
      "batch-source/row-config",
      "batch-source/csv-reader",
      "batch-source/source-runner",
      "batch-source/time-format",
    ],
  },
  testing: {
    title: "Testing",
    text: "A context with a simulated clock that records what the plugin does.",
    from: "all-use-agent/sdk/testing",
    modules: ["testing", "testing-outside"],
  },
  conformance: {
    title: "Conformance kit",
    text: "Checks generated from the manifest, to run in any test framework or by `alluse plugin test`.",
    from: "all-use-agent/sdk/conformance",
    modules: ["conformance", "conformance/trial"],
  },
  wire: {
    title: "What `/api/agent` answers",
    text: "Types of the agent's JSON ([routes](../api.md)); the page and the command line use the same.",
    from: "all-use-agent/sdk",
    modules: ["wire", "wire-plugins"],
  },
};

/** Of modules inside the SDK, what its entries hand on. */
const HANDED_ON = {
  "batch-source/csv-reader": ["CsvOptions", "RowFault", "RowReader", "RowSink"],
  "batch-source/source-runner": ["SourceReport"],
  "batch-source/time-format": ["TimeFormat"],
  "regex/parse": ["RegexSyntaxError"],
  "metrics/exponential-buckets": [
    "boundText",
    "bucketBound",
    "bucketIndex",
    "countAtBound",
    "CumulativeBuckets",
    "cumulativeBuckets",
    "downscaleBuckets",
    "ExponentialBuckets",
  ],
  "metrics/exponential-histogram": ["ExponentialHistogram", "ExponentialHistogramOptions"],
  "conformance/trial": ["PluginLoad"],
  "exposition/text-parser": [
    "copyOf",
    "SERIES_IGNORED",
    "SERIES_REFUSED",
    "TextFamily",
    "TextFault",
    "TextParser",
    "TextParserOptions",
    "TextReading",
    "TextSeries",
  ],
};

/** Module without its ending → its declarations: `{ name, comment, code }` in order. */
export function declarations() {
  const folder = mkdtempSync(join(tmpdir(), "alluse-reference-"));
  try {
    const files = ["index.ts", "testing.ts", "conformance.ts"].map((name) => join(root, "sdk", name));
    const compilerOptions = {
      noEmit: false,
      declaration: true,
      emitDeclarationOnly: true,
      outDir: join(folder, "out"),
      rootDir: join(root, "sdk"),
      typeRoots: [join(root, "node_modules/@types")],
    };
    const project = join(folder, "tsconfig.json");
    writeFileSync(project, JSON.stringify({ extends: join(root, "tsconfig.json"), compilerOptions, include: [], files }));
    execFileSync(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", project], { stdio: "pipe" });
    const modules = new Set(Object.values(PAGES).flatMap((page) => page.modules));
    modules.add("errors");
    const shown = (module) =>
      split(readFileSync(join(folder, "out", `${module}.d.ts`), "utf8")).filter(
        ({ name }) => HANDED_ON[module]?.includes(name) ?? true,
      );
    return new Map([...modules].map((module) => [module, shown(module)]));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A declaration file's exported statements. The compiler begins each in the first column and indents what is inside. */
function split(text) {
  const statement =
    /^(?:\/\*\*((?:(?!\*\/)[^])*)\*\/\n)?^export (?:declare )?((?:interface|type|(?:abstract )?class|function|const) (\w+).*(?:\n[ }].*)*)/gm;
  return [...text.matchAll(statement)].map(([, comment = "", code, name]) => ({
    name,
    comment: prose(comment),
    code: tidy(code),
  }));
}

function prose(comment) {
  return comment
    .split("\n")
    .map((line) => line.replace(/^\s*\* ?/, ""))
    .join("\n")
    .trim();
}

/** Without what is private, in two columns, and without the schema that has a page of its own. */
function tidy(code) {
  return code
    .replace(/^const manifestSchema: [^]*$/, "const manifestSchema: JSONSchema;")
    .replace(/^const strategySchema: [^]*$/, "const strategySchema: JSONSchema;")
    .replace(/^ +private [^\n]*\n/gm, "")
    .replace(/^( +)/gm, (spaces) => " ".repeat(spaces.length / 2));
}

const anchorOf = (name) => name.toLowerCase();
const byText = (a, b) => (a < b ? -1 : 1);

/** Page's path below docs/ → text. `errors` is written elsewhere; names that stand there are linked to. */
export function sdkReference(byModule) {
  const places = new Map();
  for (const [page, { modules }] of Object.entries({ ...PAGES, errors: { modules: ["errors"] } }))
    for (const module of modules) for (const { name } of byModule.get(module)) places.set(name, `${page}.md#${anchorOf(name)}`);

  const pages = new Map();
  for (const [page, { title, text, from, modules }] of Object.entries(PAGES)) {
    const sources = modules.map((module) => `[sdk/${module}.ts](../../sdk/${module}.ts)`).join(" and ");
    const sections = modules.flatMap((module) => byModule.get(module).map((one) => section(one, places)));
    pages.set(
      `docs/reference/${page}.md`,
      `# ${title}\n\n${text} Imported from \`${from}\`. Generated from ${sources} by \`node scripts/docs.mjs\`.\n\n${sections.join("\n")}`,
    );
  }
  pages.set("docs/reference/sdk.md", index(byModule));
  return pages;
}

export function section({ name, comment, code }, places) {
  const others = [...new Set(code.match(/\b[A-Z]\w+/g))].filter((word) => word !== name && places.has(word)).sort(byText);
  const see = others.length > 0 ? `\nSee ${others.map((word) => `[${word}](${places.get(word)})`).join(", ")}.\n` : "";
  return `## ${name}\n\n${comment ? `${comment}\n\n` : ""}\`\`\`ts\n${code}\n\`\`\`\n${see}`;
}

function index(byModule) {
  const rows = Object.entries(PAGES).map(([page, { title, text, from, modules }]) => {
    const names = modules.flatMap((module) => byModule.get(module).map(({ name }) => name));
    const links = names.map((name) => `[${name}](${page}.md#${anchorOf(name)})`);
    return `## [${title}](${page}.md)\n\n${text} Imported from \`${from}\`.\n\n${links.join(", ")}\n`;
  });
  const errors = byModule.get("errors").map(({ name }) => `[${name}](errors.md#${anchorOf(name)})`);
  rows.push(
    `## [Errors](errors.md)\n\nErrors with codes, and every code of the agent with what to do. Imported from \`all-use-agent/sdk\`.\n\n${errors.join(", ")}\n`,
  );
  return `# The SDK\n\nEverything a plugin imports, with what each guarantees. Generated from the sources by \`node scripts/docs.mjs\`. The guide is
[Writing plugins](../plugins.md); the properties of \`plugin.json\` stand in [plugin-manifest.md](../plugin-manifest.md).\n\n${rows.join("\n")}`;
}
