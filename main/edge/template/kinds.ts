import type { Manifest, PluginKind } from "all-use-agent/sdk";
import type { KindTemplate, NameForms } from "./shape.ts";

const collector: KindTemplate = {
  does: "measures one level every second and shows it as a chart",
  manifest: { config: intervalConfig() },
  code: ({ snake }, { typed }) => `import { createBatch, definePlugin } from "all-use-agent/sdk";

export default definePlugin("collector", (ctx, ${typed("config", "{ interval_ms: number; period_s: number }")}) => {
  // The batch and the series' number are made once and used tick after tick.
  const batch = createBatch(1);
  batch.series[0] = ctx.series("${snake}_level");
  batch.length = 1;

  return {
    // Called at every multiple of interval_ms. Replace the wave by what you measure.
    collect() {
      const nowMs = ctx.clock.now();
      batch.timestamps[0] = nowMs;
      batch.values[0] = 50 + 40 * Math.sin((2 * Math.PI * nowMs) / 1000 / config.period_s);
      ctx.emit(batch);
    },
  };
});
`,
  test: ({ snake }) => `  plugin.collect();
  assert.equal(ctx.emitted.length, 1);
  assert.equal(ctx.emitted[0].name, "${snake}_level");
  assert.ok(ctx.emitted[0].value >= 10 && ctx.emitted[0].value <= 90);
`,
};

const processor: KindTemplate = {
  does: "drops samples of metrics whose names begin with a prefix",
  manifest: {
    mutates: true,
    order: 600,
    permissions: ["metrics:read:debug_*"],
    config: {
      type: "object",
      additionalProperties: false,
      properties: {
        prefix: { type: "string", minLength: 1, default: "debug_", description: "Metrics whose names begin so are dropped." },
      },
    },
  },
  code: (_name, { typed }) => `import { definePlugin } from "all-use-agent/sdk";

export default definePlugin("processor", (ctx, ${typed("config", "{ prefix: string }")}) => {
  // Whether a series is dropped, by its number: names are looked at once, not for every sample.
  const ${typed("dropped", "(boolean | undefined)[]")} = [];

  return {
    // Runs before anything is stored, on what metrics:read grants: keep it short. Rows that stay move up.
    process(batch) {
      let kept = 0;
      for (let row = 0; row < batch.length; row++) {
        const id = batch.series[row];
        dropped[id] ??= ctx.seriesInfo(id).name.startsWith(config.prefix);
        if (dropped[id]) continue;
        batch.series[kept] = id;
        batch.timestamps[kept] = batch.timestamps[row];
        batch.values[kept] = batch.values[row];
        kept++;
      }
      batch.length = kept;
    },
  };
});
`,
  test: () => `  const wanted = ctx.foreignSeries({ name: "up", labels: {}, type: "gauge", help: "x" });
  const unwanted = ctx.foreignSeries({ name: "debug_up", labels: {}, type: "gauge", help: "x" });
  const batch = createBatch(2);
  batch.series.set([unwanted, wanted]);
  batch.values.set([1, 2]);
  batch.length = 2;
  plugin.process(batch);
  assert.equal(batch.length, 1);
  assert.equal(batch.values[0], 2);
`,
};

const storage: KindTemplate = {
  does: "keeps documents in memory until the agent stops",
  manifest: { provides: ["documents"] },
  code: (_name, { ts, typed }) => `import { definePlugin } from "all-use-agent/sdk";

export default definePlugin("storage", () => {
  const collections = new Map${ts("<string, unknown>")}();

  return {
    // One collection a name, bounded: beyond maxDocuments the oldest by orderBy go.
    collection${ts("<T extends { _id: string }>")}(${typed("name", "string")}, ${typed("options", "{ maxDocuments: number; orderBy: string }")}) {
      const known = collections.get(name);
      if (known) return known${ts(" as ReturnType<typeof makeCollection<T>>")};
      const made = makeCollection${ts("<T>")}(options.maxDocuments, options.orderBy);
      collections.set(name, made);
      return made;
    },
  };
});

function makeCollection${ts("<T extends { _id: string }>")}(${typed("maxDocuments", "number")}, ${typed("orderBy", "string")}) {
  const documents = new Map${ts("<string, T>")}();
  const field = (${typed("document", "T")}, ${typed("name", "string")}) => (document${ts(" as Record<string, unknown>")})[name]${ts(" as number")};
  const matching = (${typed("filter", "Readonly<Record<string, unknown>>")} = {}) =>
    [...documents.values()].filter((document) =>
      Object.entries(filter).every(([name, value]) => field(document, name) === value),
    );

  return {
    get: async (${typed("id", "string")}) => structuredClone(documents.get(id) ?? null),
    async find(${typed("query", "{ filter?: Readonly<Record<string, unknown>>; sort?: Readonly<Record<string, 1 | -1>>; limit?: number; skip?: number }")} = {}) {
      const rows = matching(query.filter);
      const [[name, order] = ["_id", 0]] = Object.entries(query.sort ?? {});
      rows.sort((a, b) => order * (field(a, name) < field(b, name) ? -1 : 1));
      const skip = query.skip ?? 0;
      return structuredClone(rows.slice(skip, skip + (query.limit ?? rows.length)));
    },
    count: async (${typed("filter?", "Readonly<Record<string, unknown>>")}) => matching(filter).length,
    async put(${typed("document", "T")}) {
      documents.set(document._id, structuredClone(document));
      if (documents.size <= maxDocuments) return;
      const oldest = [...documents.values()].reduce((a, b) => (field(b, orderBy) < field(a, orderBy) ? b : a));
      documents.delete(oldest._id);
    },
    async remove(${typed("filter", "Readonly<Record<string, unknown>>")}) {
      const gone = matching(filter);
      for (const { _id } of gone) documents.delete(_id);
      return gone.length;
    },
  };
}
`,
  test: () => `  const things = plugin.collection("things", { maxDocuments: 2, orderBy: "at" });
  for (const at of [1, 2, 3]) await things.put({ _id: String(at), at });
  assert.equal(await things.get("1"), null);
  assert.deepEqual(await things.find({ filter: { at: 3 } }), [{ _id: "3", at: 3 }]);
`,
};

const analytics: KindTemplate = {
  does: "counts how often gauges rise above a limit and reports the first time",
  manifest: {
    permissions: ["metrics:read:node_*"],
    config: {
      type: "object",
      additionalProperties: false,
      properties: {
        metric: { type: "string", default: "node_load1", description: "The gauge to watch." },
        limit: { type: "number", default: 8, description: "From here on it is reported." },
      },
    },
  },
  code: ({ name, snake }, { ts, typed }) => `import { createBatch, definePlugin } from "all-use-agent/sdk";

export default definePlugin("analytics", (ctx, ${typed("config", "{ metric: string; limit: number }")}) => {
  // By number of the series: when it rose above the limit; 0 while it is below; undefined until it is first seen.
  const aboveSinceMs = new Map${ts("<number, number>")}();
  const watched = new Map${ts("<number, boolean>")}();
  const report = createBatch(1);
  report.length = 1;
  let breaches = 0;

  return {
    start() {
      report.series[0] = ctx.series("${snake}_breaches_total");
      ctx.every(10_000, () => {
        report.timestamps[0] = ctx.clock.now();
        report.values[0] = breaches;
        ctx.emit(report);
      });
    },

    // Sees every batch after the processors. The batch is not yours: copy what you keep.
    observe(batch) {
      for (let row = 0; row < batch.length; row++) {
        const id = batch.series[row];
        let mine = watched.get(id);
        if (mine === undefined) watched.set(id, (mine = ctx.seriesInfo(id).name === config.metric));
        if (mine) judge(id, batch.timestamps[row], batch.values[row]);
      }
    },
  };

  function judge(${typed("id", "number")}, ${typed("timestampMs", "number")}, ${typed("value", "number")}) {
    const sinceMs = aboveSinceMs.get(id) ?? 0;
    const above = value >= config.limit;
    if (above === sinceMs > 0) return;
    aboveSinceMs.set(id, above ? timestampMs : 0);
    if (above) breaches++;
    const { name, labels } = ctx.seriesInfo(id);
    const startMs = above ? timestampMs : sinceMs;
    // The same id again is an update: here, that it is over.
    ctx.publish({
      id: \`${name}/\${id}/\${startMs}\`,
      kind: "breach",
      metric: name,
      labels,
      startMs,
      endMs: above ? null : timestampMs,
      score: 1,
      severity: "attention",
      summary: \`\${name} is at \${value}, beyond \${config.limit}.\`,
      evidence: [
        { expr: name, fromMs: startMs - 60_000, toMs: timestampMs, method: "fixed limit", numbers: { value, limit: config.limit } },
      ],
    });
  }
});
`,
  test: () => `  const load = ctx.foreignSeries({ name: "node_load1", labels: {}, type: "gauge", help: "x" });
  const batch = createBatch(1);
  batch.series[0] = load;
  batch.length = 1;
  for (const value of [1, 20, 30, 2]) {
    ctx.clock.advance(1000);
    batch.timestamps[0] = ctx.clock.now();
    batch.values[0] = value;
    plugin.observe(batch);
  }
  assert.equal(ctx.findings.length, 2);
  assert.equal(ctx.findings[0].endMs, null);
  assert.equal(ctx.findings[1].id, ctx.findings[0].id);
  assert.notEqual(ctx.findings[1].endMs, null);
`,
};

const model: KindTemplate = {
  does: "forecasts that everything stays as it is, with an interval from past changes",
  manifest: { provides: ["forecast"] },
  code: (_name, { ts, typed }) => `import { AgentError, definePlugin } from "all-use-agent/sdk";

const SAMPLES_MIN = 10;

export default definePlugin("model", (ctx) => ({
  task: "forecast"${ts(" as const")},

  fit({ timestamps, values }) {
    const count = timestamps.length;
    if (count < SAMPLES_MIN)
      throw new AgentError("model_not_enough_data", \`a forecast needs at least \${SAMPLES_MIN} samples, found \${count}\`);
    const lastMs = timestamps[count - 1];
    const last = values[count - 1];
    // How much it changes from one sample to the next; for a random walk the spread grows with the root of time.
    let squares = 0;
    for (let i = 1; i < count; i++) squares += (values[i] - values[i - 1]) ** 2;
    const stepMs = (lastMs - timestamps[0]) / (count - 1);
    const deviation = Math.sqrt(squares / (count - 1));
    if (!Number.isFinite(last) || !Number.isFinite(deviation))
      throw new AgentError("model_not_enough_data", "values that are no numbers cannot be forecast");

    return {
      card: {
        model: ctx.id,
        trainedMs: ctx.clock.now(),
        fromMs: timestamps[0],
        toMs: lastMs,
        samples: count,
        parameters: { deviation },
        metrics: {},
      },
      predict(wantedStepMs, steps, level) {
        const z = Math.sqrt(2) * inverseErf(level);
        const timestampsMs = Float64Array.from({ length: steps }, (_, i) => lastMs + (i + 1) * wantedStepMs);
        const half = timestampsMs.map((ms) => z * deviation * Math.sqrt((ms - lastMs) / stepMs));
        return {
          timestampsMs,
          expected: new Float64Array(steps).fill(last),
          low: half.map((width) => last - width),
          high: half.map((width) => last + width),
          level,
          method: "last value, random walk",
        };
      },
    };
  },
}));

/** Source: Winitzki, "A handy approximation for the error function", 2008; within 0.4 %. */
function inverseErf(${typed("x", "number")}) {
  const a = 0.147;
  const log = Math.log(1 - x * x);
  const half = 2 / (Math.PI * a) + log / 2;
  return Math.sign(x) * Math.sqrt(Math.sqrt(half * half - log / a) - half);
}
`,
  test: () => `  const timestamps = Float64Array.from({ length: 60 }, (_, i) => ctx.clock.now() - (60 - i) * 1000);
  const fitted = plugin.fit({ timestamps, values: timestamps.map((_, i) => i % 2) });
  const { expected, low, high } = fitted.predict(1000, 5, 0.9);
  assert.deepEqual([...expected], [1, 1, 1, 1, 1]);
  assert.ok(low[0] < 1 && high[4] - low[4] > high[0] - low[0]);
`,
};

const recommender: KindTemplate = {
  does: "advises when a PromQL expression goes beyond a limit",
  manifest: {
    permissions: ["metrics:read:node_*"],
    config: {
      type: "object",
      additionalProperties: false,
      properties: {
        expr: { type: "string", default: "node_load1", description: "PromQL; every series of its answer is looked at." },
        limit: { type: "number", default: 8, description: "Beyond this it advises." },
      },
    },
  },
  code: ({ name }, { ts, typed }) => `import { definePlugin } from "all-use-agent/sdk";

export default definePlugin("recommender", (_ctx, ${typed("config", "{ expr: string; limit: number }")}) => ({
  // Asked every few seconds. Advice that is not given again expires.
  async advise(view) {
    const rows = await view.query(config.expr);
    return rows
      .filter(({ value }) => value > config.limit)
      .map(({ labels, value }) => ({
        // One recommendation a key is open at a time.
        key: \`${name}:\${JSON.stringify(labels)}\`,
        severity: "attention"${ts(" as const")},
        title: \`\${config.expr} is \${value.toFixed(1)}, beyond \${config.limit}\`,
        reason: "It is above the limit that was set for it.",
        action: { kind: "look", text: "Look at what has changed lately." },
        confidence: 0.9,
        evidence: [
          {
            expr: config.expr,
            fromMs: view.nowMs - 600_000,
            toMs: view.nowMs,
            method: "fixed limit",
            numbers: { value, limit: config.limit },
          },
        ],
        expiresMs: view.nowMs + 60_000,
      }));
  },
}));
`,
  test: () => `  const view = { nowMs: ctx.clock.now(), findings: [], queryRange: async () => [], forecast: async () => null };
  const row = (value) => ({ labels: {}, value, timestampMs: ctx.clock.now() });
  assert.deepEqual(await plugin.advise({ ...view, query: async () => [row(1)] }, ctx.signal), []);
  const [advice] = await plugin.advise({ ...view, query: async () => [row(20)] }, ctx.signal);
  assert.match(advice.title, /20/);
`,
};

const exporter: KindTemplate = {
  does: "answers a route with the newest value of a metric as JSON",
  manifest: {
    permissions: ["metrics:read:node_*"],
    config: {
      type: "object",
      additionalProperties: false,
      properties: { expr: { type: "string", default: "node_load1", description: "PromQL that the route answers." } },
    },
  },
  code: (_name, { typed }) => `import { definePlugin } from "all-use-agent/sdk";

export default definePlugin("exporter", (ctx, ${typed("config", "{ expr: string }")}) => ({
  // Answers the routes that plugin.json names. The door has checked the token already.
  async handle() {
    const rows = await ctx.query(config.expr);
    return { status: 200, contentType: "application/json", body: JSON.stringify(rows) };
  },
}));
`,
  test: () => `  const answer = await plugin.handle({ method: "GET", path: "/", query: new URLSearchParams(), header: () => undefined }, ctx.signal);
  assert.equal(answer.status, 200);
  assert.deepEqual(JSON.parse(answer.body), []);
`,
};

export const KIND_TEMPLATES: Readonly<Record<PluginKind, KindTemplate>> = {
  collector,
  processor,
  storage,
  analytics,
  model,
  recommender,
  exporter,
};

/** The parts of a manifest that carry the plugin's name. */
export function namedParts(kind: PluginKind, { name, snake, title }: NameForms): Partial<Manifest> {
  switch (kind) {
    case "collector":
      return {
        metrics: { [`${snake}_level`]: { type: "gauge", unit: "percent", help: `The level of ${title.toLowerCase()}.` } },
        panels: [{ id: "level", title, expr: `${snake}_level`, unit: "percent", place: "machine", order: 900 }],
      };
    case "analytics":
      return { metrics: { [`${snake}_breaches_total`]: { type: "counter", help: "How often a series rose above the limit." } } };
    case "exporter":
      return { routes: [{ method: "GET", path: `/plugins/${name}/latest` }] };
    default:
      return {};
  }
}

function intervalConfig(): NonNullable<Manifest["config"]> {
  return {
    type: "object",
    additionalProperties: false,
    properties: {
      interval_ms: { type: "integer", minimum: 100, default: 1000, description: "How often it is measured." },
      period_s: { type: "number", exclusiveMinimum: 0, default: 60, description: "Length of the wave, in seconds." },
    },
  };
}
