import { AgentError, type SelectRequest, type SeriesData } from "all-use-agent/sdk";
import { describe, expect, test } from "vitest";
import { MemorySource } from "../../test/support/memory-source.ts";
import { QueryEngine } from "./engine.ts";
import { resultJson } from "./json.ts";
import { STALE_NAN } from "./stale.ts";

const SECOND = 1_000;
const MINUTE = 60_000;

function every(stepMs: number, values: readonly number[]): [number[], Float64Array] {
  return [values.map((_, i) => i * stepMs), Float64Array.from(values)];
}

function engineOver(
  fill: (source: MemorySource) => void,
  options: ConstructorParameters<typeof QueryEngine>[1] = {},
): { engine: QueryEngine; source: MemorySource } {
  const source = new MemorySource();
  fill(source);
  return { engine: new QueryEngine(() => source, options), source };
}

async function code(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    return error instanceof AgentError ? error.code : `not an AgentError: ${String(error)}`;
  }
  return "no error";
}

/** `labels value` by row, for short expectations. */
async function rows(engine: QueryEngine, expr: string, timeMs: number): Promise<string[]> {
  const result = await engine.instant(expr, timeMs);
  if (result.type === "scalar" || result.type === "string") return [String(result.value)];
  if (result.type === "matrix")
    return result.series.map(({ labels, values }) => `${JSON.stringify(labels)} ${[...values].join(" ")}`);
  return result.rows.map(({ labels, value }) => `${JSON.stringify(labels)} ${value}`);
}

describe("selecting", () => {
  test("an instant selector asks for newest samples only, with a lookback that is open on the left", async () => {
    const { engine, source } = engineOver((s) => s.add("m", { a: "b" }, ...every(MINUTE, [1, 2, 3])));
    expect(await rows(engine, "m", 2 * MINUTE)).toEqual(['{"__name__":"m","a":"b"} 3']);
    expect(source.requests[0]).toMatchObject({ fromMs: 2 * MINUTE - 300_000 + 1, toMs: 2 * MINUTE, lastOnly: true });
    expect(await rows(engine, "m", 7 * MINUTE - 1)).toHaveLength(1);
    expect(await rows(engine, "m", 7 * MINUTE)).toHaveLength(0);
    await engine.instant("m", 7 * MINUTE, { lookbackMs: 10 * MINUTE });
    await engine.range("m", 0, MINUTE, MINUTE);
    expect(source.requests.at(-1)!.lastOnly).toBe(false);
  });

  test("equal selectors are fetched once", async () => {
    const { engine, source } = engineOver((s) => s.add("m", { a: "b" }, ...every(MINUTE, [1, 2, 3])));
    expect(
      await rows(engine, "m / on (a) sum by (a) (m) + count(m offset 1m) * 0 + on () group_left () vector(0)", 2 * MINUTE),
    ).toEqual([]);
    expect(source.requests).toHaveLength(2);
  });

  test("a staleness marker ends a series; an ordinary NaN does not", async () => {
    const { engine } = engineOver((s) => {
      s.add("stale", {}, ...every(SECOND, [1, STALE_NAN]));
      s.add("odd", {}, ...every(SECOND, [1, Number.NaN]));
      s.series[0].values.set(Float64Array.of(1, STALE_NAN));
    });
    expect(await rows(engine, "stale", SECOND)).toEqual([]);
    expect(await rows(engine, "odd", SECOND)).toEqual(['{"__name__":"odd"} NaN']);
    expect(await rows(engine, "count_over_time(stale[1m])", SECOND)).toEqual(["{} 1"]);
    expect(await rows(engine, "count_over_time(odd[1m])", SECOND)).toEqual(["{} 2"]);
  });

  test("raw range vectors come as they are stored", async () => {
    const { engine } = engineOver((s) => s.add("m", {}, ...every(SECOND, [1, 2, 3, 4])));
    expect(await rows(engine, "m[2s]", 3 * SECOND)).toEqual(['{"__name__":"m"} 3 4']);
    expect(await rows(engine, "m[3s:1s]", 3 * SECOND)).toEqual(['{"__name__":"m"} 2 3 4']);
  });

  test("labels that are names of object methods are labels", async () => {
    const { engine } = engineOver((s) => s.add("m", { constructor: "x", toString: "y" }, [0], [1]));
    expect(await rows(engine, 'sum by (constructor, valueOf) (m{toString="y"})', 0)).toEqual(['{"constructor":"x"} 1']);
  });
});

describe("range queries", () => {
  /** Whatever the expression, a range query's points are those of instant queries at its steps. */
  const expressions = [
    "m",
    "m offset 30s",
    "m @ 90",
    "rate(m[1m])",
    "increase(m[90s])",
    "delta(g[2m])",
    "irate(m[2m])",
    "deriv(g[3m])",
    "predict_linear(g[3m], 60)",
    "predict_linear(g[3m] @ 200, 60)",
    "avg_over_time(g[2m])",
    "max_over_time(g[2m]) - min_over_time(g[2m])",
    "stddev_over_time(g[3m])",
    "quantile_over_time(0.7, g[3m])",
    "double_exponential_smoothing(g[3m], 0.4, 0.3)",
    "changes(g[3m]) + resets(g[3m])",
    "last_over_time(g[20s])",
    "absent_over_time(g[20s])",
    "absent(g > 4)",
    "sum by (a) (g)",
    "avg(g)",
    "stddev(g)",
    "quantile by (a) (0.4, g)",
    "topk(1, g)",
    "bottomk by (a) (1, m)",
    'count_values("v", g)',
    "limitk(2, g)",
    "g > 3",
    "g > bool 3",
    "2 ^ g % 3",
    "g * on (a, b) m",
    "g * ignoring (b) group_left sum by (a) (m)",
    "m and g",
    "m unless (g > 4)",
    "(m > 100) or g",
    "scalar(sum(g)) + vector(time())",
    "max_over_time(rate(m[1m])[2m:15s])",
    "sum_over_time(g[1m:] offset 1m)",
    "min_over_time((sum(g) > 5)[90s:10s] @ end())",
    "timestamp(g)",
    "minute(g * 100) + on () group_left () hour()",
    'label_replace(g, "c", "$1", "a", "(.).*")',
    "clamp(g, 2, 4)",
    "round(g, 0.5)",
    "histogram_quantile(0.5, h_bucket)",
    "increase(m[1m] smoothed)",
    "rate(m[1m] anchored)",
    "g smoothed",
    "g + fill(1) m",
    "step() + range() * 0 + start()",
  ];

  function data(source: MemorySource): void {
    let state = 7;
    const random = (): number => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
    for (const a of ["x", "y"]) {
      for (const b of ["1", "2"]) {
        for (const name of ["m", "g"]) {
          const timestamps: number[] = [];
          const values = new Float64Array(60);
          let total = 0;
          for (let i = 0; i < 60; i++) {
            if (random() < 0.2) continue;
            total = random() < 0.05 ? 0 : total + random() * 10;
            values[timestamps.length] = random() < 0.05 ? STALE_NAN : name === "m" ? total : random() * 8;
            timestamps.push(i * 10 * SECOND + Math.floor(random() * 3_000));
          }
          source.add(name, { a, b }, timestamps, values.subarray(0, timestamps.length));
        }
      }
    }
    for (const [i, le] of ["0.1", "1", "+Inf"].entries())
      source.add(
        "h_bucket",
        { le },
        ...every(
          20 * SECOND,
          [1, 2, 4, 8, 16].map((n) => n * (i + 1)),
        ),
      );
  }

  test.each(expressions)("%s", async (expr) => {
    const { engine } = engineOver(data);
    const [from, to, step] = [35 * SECOND, 640 * SECOND, 23 * SECOND];
    // What asks for the query's own bounds is different in an instant query.
    const fixed = /end\(\)|step\(\)/.test(expr);
    const result = await engine.range(expr, from, to, step);
    if (result.type !== "matrix") throw new Error(result.type);
    const points = new Map<string, number>();
    for (const { labels, timestamps, values } of result.series) {
      timestamps.forEach((at, i) => points.set(`${at} ${JSON.stringify(labels)}`, values[i]));
      expect(timestamps.length).toBe(values.length);
    }
    expect(points.size).toBeGreaterThan(0);
    if (fixed) return;
    let seen = 0;
    for (let at = from; at <= to; at += step) {
      const once = await engine.instant(expr, at);
      const found = once.type === "scalar" ? [{ labels: {}, value: once.value }] : once.type === "vector" ? once.rows : [];
      for (const { labels, value } of found) {
        seen++;
        expect(points.get(`${at} ${JSON.stringify(labels)}`), `${expr} at ${at}`).toBeCloseTo(value, 9);
      }
    }
    expect(points.size).toBe(seen);
  });

  test("series come in the order of their labels", async () => {
    const { engine } = engineOver((s) => {
      for (const a of ["b", "c", "a"]) s.add("m", { a }, [0], [1]);
    });
    const result = await engine.range("m", 0, 0, SECOND);
    expect(result.type === "matrix" && result.series.map(({ labels }) => labels["a"])).toEqual(["a", "b", "c"]);
  });

  test("steps, bounds and types are checked", async () => {
    const { engine } = engineOver(() => {});
    expect(await code(engine.range("1", 0, 11_000, 1))).toBe("query_limit_steps");
    expect(await code(engine.range("1", 0, 10_999, 1))).toBe("no error");
    expect(await code(engine.range("1", 0, 10, 0))).toBe("query_type");
    expect(await code(engine.range("1", 10, 0, 1))).toBe("query_type");
    expect(await code(engine.range('"text"', 0, 10, 1))).toBe("query_type");
    expect(await code(engine.range("m[5m]", 0, 10, 1))).toBe("query_type");
    expect(await code(engine.instant("1", Number.NaN))).toBe("query_type");
  });
});

describe("functions", () => {
  const { engine } = engineOver((s) => {
    s.add("day", {}, [0], [1_709_210_096.5]);
    s.add("before", {}, [0], [-1]);
    for (const [le, count] of [
      ["0.1", 50],
      ["0.2", 70],
      ["1", 110],
      ["+Inf", 110],
    ] as const)
      s.add("h_bucket", { le, job: "a" }, [0], [count]);
    s.add("g", { cpu: "2", job: "a" }, [0], [3]);
    s.add("g", { cpu: "10", job: "b" }, [0], [Number.NaN]);
    s.add("g", { cpu: "1", job: "b" }, [0], [-2]);
    s.add("target_info", { job: "a", instance: "", os: "linux" }, [0], [1]);
  });

  test.each([
    ["year(day) * 10000 + month(day) * 100 + day_of_month(day)", "{} 20240229"],
    ["hour(day) * 100 + minute(day)", "{} 1234"],
    ["day_of_week(day) * 1000 + day_of_year(day) + days_in_month(day) * 100000", "{} 2904060"],
    ["minute(before) + hour(before) * 100 + year(before) * 10000", "{} 19692359"],
    ["histogram_quantile(0.5, h_bucket)", '{"job":"a"} 0.125'],
    ["histogram_quantile(1, h_bucket)", '{"job":"a"} 1'],
    ["histogram_quantile(2, h_bucket)", '{"job":"a"} Infinity'],
    ["histogram_fraction(0, 0.15, h_bucket)", '{"job":"a"} 0.5454545454545454'],
    ["histogram_fraction(-Inf, +Inf, h_bucket)", '{"job":"a"} 1'],
    ["histogram_count(h_bucket)", undefined],
    ['absent(nothing{a="b",c=~"d",e!="f"})', '{"a":"b"} 1'],
    ['absent(nothing{a="b",a="c"})', "{} 1"],
    ["absent(sum(nothing))", "{} 1"],
    ["absent(g)", undefined],
    ['absent_over_time(nothing{x="y"}[5m])', '{"x":"y"} 1'],
    ["scalar(g)", "NaN"],
    ['scalar(g{cpu="2"})', "3"],
    ["sgn(vector(-0.5)) + deg(vector(pi())) + rad(vector(180)) - pi()", "{} 179"],
    ["clamp_min(vector(NaN), 1)", "{} NaN"],
    ["clamp(vector(5), 9, 1)", undefined],
    ["round(vector(-2.5)) + round(vector(7.3), 2)", "{} 6"],
    ["1 ^ NaN + vector(0)", "{} 1"],
    ['label_replace(vector(1), "x", "a-$1$$", "y", "()")', '{"x":"a-$"} 1'],
    ['label_join(g{cpu="2"}, "all", "-", "job", "cpu", "none")', '{"__name__":"g","all":"a-2-","cpu":"2","job":"a"} 3'],
    ['timestamp(g{cpu="2"} offset -0s)', '{"cpu":"2","job":"a"} 0'],
    ['info(g{cpu="2"})', '{"__name__":"g","cpu":"2","job":"a","os":"linux"} 3'],
    ["vector(5) % -3 + vector(-5) % 3", "{} 0"],
  ])("%s", async (expr, expected) => {
    expect(await rows(engine, expr, 0)).toEqual(expected === undefined ? [] : [expected]);
  });

  test("sorting puts NaN last either way, labels by their numbers", async () => {
    const order = async (expr: string): Promise<(string | undefined)[]> => {
      const result = await engine.instant(expr, 0);
      return result.type === "vector" ? result.rows.map(({ labels }) => labels["cpu"]) : [];
    };
    expect(await order("sort(g)")).toEqual(["1", "2", "10"]);
    expect(await order("sort_desc(g)")).toEqual(["2", "1", "10"]);
    expect(await order('sort_by_label(g, "cpu")')).toEqual(["1", "2", "10"]);
    expect(await order('sort_by_label_desc(g, "cpu")')).toEqual(["10", "2", "1"]);
    expect(await order('sort_by_label(g, "job", "cpu")')).toEqual(["2", "1", "10"]);
    expect(await order("topk(5, g)")).toEqual(["2", "1", "10"]);
  });

  test("what cannot be evaluated says so", async () => {
    for (const expr of [
      "g * on (job) g",
      'label_replace(g, "cpu", "x", "job", ".*")',
      'label_replace(g, "x", "y", "job", "(")',
      'count_values("", g)',
      "topk(NaN, g)",
      "double_exponential_smoothing(g[5m], 2, 0.1)",
      "deriv(g[5m] smoothed)",
      "g[5m/0]",
    ]) {
      expect(await code(engine.instant(expr, 0)), expr).toBe("query_execution");
    }
  });

  test("annotations are worded as Prometheus words them", async () => {
    const odd = await engine.instant("rate(g[5m]) + quantile(2, g)", 0);
    expect(odd.infos).toEqual([
      'PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket: "g" (1:6)',
    ]);
    expect(odd.warnings).toEqual(["PromQL warning: quantile value should be between 0 and 1, got 2 (1:24)"]);
  });
});

describe("limits", () => {
  const wide = (samples: number): MemorySource => {
    const source = new MemorySource();
    const values = Float64Array.from({ length: samples }, (_, i) => i % 1_000);
    for (let s = 0; s < 20; s++)
      source.add(
        "m",
        { s: String(s) },
        Float64Array.from(values, (_, i) => i * SECOND),
        values,
      );
    return source;
  };

  test("samples and series are counted", async () => {
    const source = wide(1_000);
    const few = new QueryEngine(() => source, { limits: { samples: 10_000, series: 100 } });
    expect(await code(few.range("m", 0, 900 * SECOND, SECOND))).toBe("query_limit_samples");
    expect(await code(few.instant("m", 900 * SECOND))).toBe("no error");
    expect(await code(few.instant("sum_over_time(m[5y:1ms])", 900 * SECOND))).toBe("query_limit_samples");
    const narrow = new QueryEngine(() => source, { limits: { series: 10 } });
    expect(await code(narrow.instant("m", 900 * SECOND))).toBe("query_limit_series");
  });

  test("long evaluation lets the event loop breathe and ends when asked to", async () => {
    const source = wide(40_000);
    const engine = new QueryEngine(() => source);
    const controller = new AbortController();
    // CPU time of each stretch: neighbours that take the processor away do not count.
    let longestMs = 0;
    let breaths = 0;
    let last = process.cpuUsage();
    const timer = setInterval(() => {
      const { user, system } = process.cpuUsage(last);
      longestMs = Math.max(longestMs, (user + system) / 1000);
      last = process.cpuUsage();
      if (++breaths === 10) controller.abort();
    }, 1);
    const heavy = "quantile_over_time(0.9, m[2h])";
    const run = engine.range(heavy, 0, 40_000 * SECOND, 4 * SECOND, { signal: controller.signal });
    expect(await code(run)).toBe("query_canceled");
    clearInterval(timer);
    // It ended within a breath of being asked to.
    expect(breaths).toBeLessThan(15);
    // The promise is 20 ms; a slow processor takes longer.
    expect(longestMs).toBeLessThan(500);
    expect(await code(engine.range(heavy, 0, 40_000 * SECOND, 4 * SECOND, { timeoutMs: 100 }))).toBe("query_timeout");
    expect(await code(engine.instant("1", 0, { signal: AbortSignal.abort() }))).toBe("query_canceled");
  });

  test("a source that never answers is given up, and told so", async () => {
    let told: AbortSignal | undefined;
    const engine = new QueryEngine(() => ({
      select(request: SelectRequest): Promise<SeriesData[]> {
        told = request.signal;
        return new Promise(() => {});
      },
    }));
    expect(await code(engine.instant("m", 0, { timeoutMs: 50 }))).toBe("query_timeout");
    expect(told!.aborted).toBe(true);
  });

  test("a source's own error comes through, even when two selectors fail", async () => {
    const engine = new QueryEngine(() => ({
      select: () => Promise.reject(new AgentError("storage_unavailable", "no store serves")),
    }));
    expect(await code(engine.instant("a + b", 0))).toBe("storage_unavailable");
  });
});

test("selectors and types of an expression", () => {
  const { engine } = engineOver(() => {});
  expect(engine.selectors('rate(a{b="c"}[5m]) / on () d')).toEqual([
    [
      { label: "b", op: "=", value: "c" },
      { label: "__name__", op: "=", value: "a" },
    ],
    [{ label: "__name__", op: "=", value: "d" }],
  ]);
  expect([engine.check("1"), engine.check("a"), engine.check("a[5m]"), engine.check('"x"')]).toEqual([
    "scalar",
    "vector",
    "matrix",
    "string",
  ]);
  expect(() => engine.check("rate(a)")).toThrow(/expected type range vector/);
});

test("the same expression gives the same answer again, from the kept tree", async () => {
  const { engine } = engineOver((s) => s.add("m_total", { a: "b" }, ...every(10 * SECOND, [1, 2, 3, 4, 5, 6, 7])));
  const first = resultJson(await engine.range("sum(rate(m_total[30s]))", 0, MINUTE, 10 * SECOND));
  expect(resultJson(await engine.range("sum(rate(m_total[30s]))", 0, MINUTE, 10 * SECOND))).toBe(first);
  expect(first).toContain('"0.1"');
});
