import { readFileSync } from "node:fs";
import { type Batch, createBatch, fillConfig, type Labels, type Manifest, type Processor, seriesKey } from "all-use-agent/sdk";
import { TestContext } from "all-use-agent/sdk/testing";
import { beforeEach, describe, expect, test } from "vitest";
import plugin, { type MapConfig } from "./index.ts";

const manifest = JSON.parse(readFileSync(new URL("plugin.json", import.meta.url), "utf8")) as Manifest;

let ctx: TestContext;

beforeEach(() => {
  ctx = new TestContext(manifest);
});

function start(config: object): Processor {
  const processor = plugin(ctx, fillConfig(manifest.config!, { ...config }) as unknown as MapConfig);
  void processor.start?.(ctx.signal);
  return processor;
}

const series = (name: string, labels: Labels = {}): number =>
  ctx.foreignSeries({ name, labels, type: "counter", unit: "bytes", help: "of the test" });

function through(map: Processor, ...rows: [id: number, value: number][]): [string, number][] {
  const batch: Batch = createBatch(rows.length);
  rows.forEach(([id, value], i) => {
    batch.series[i] = id;
    batch.timestamps[i] = 1000;
    batch.values[i] = value;
  });
  batch.length = rows.length;
  map.process(batch);
  return Array.from({ length: batch.length }, (_, i) => {
    const { name, labels } = ctx.seriesInfo(batch.series[i]);
    return [seriesKey(name, labels), batch.values[i]];
  });
}

/** What relabeling makes of `a{x="1",y="Two"}`; null: nothing. */
function relabelled(...rules: object[]): string | null {
  const [first] = through(start({ relabel_configs: rules }), [series("a", { x: "1", y: "Two" }), 7]);
  return first?.[0] ?? null;
}

describe("relabeling, as Prometheus does it:", () => {
  test.each([
    ["replace", { source_labels: ["x", "y"], target_label: "z" }, 'a{x="1",y="Two",z="1;Two"}'],
    ["replace with a separator", { source_labels: ["x", "y"], separator: "-", target_label: "z" }, 'a{x="1",y="Two",z="1-Two"}'],
    [
      "replace by groups",
      { source_labels: ["y"], regex: "(.)(?P<rest>.*)", target_label: "z", replacement: ["$", "{rest}$1$$"].join("") },
      'a{x="1",y="Two",z="woT$"}',
    ],
    [
      "the longest name of a group",
      { source_labels: ["y"], regex: "(.).*", target_label: "z", replacement: "$1x" },
      'a{x="1",y="Two"}',
    ],
    ["replace where nothing matches", { source_labels: ["y"], regex: "T", target_label: "z" }, 'a{x="1",y="Two"}'],
    ["replace by nothing takes away", { source_labels: ["y"], target_label: "y", replacement: "" }, 'a{x="1"}'],
    [
      "a target with groups",
      { source_labels: ["y"], target_label: "is_$1", replacement: "yes" },
      'a{is_Two="yes",x="1",y="Two"}',
    ],
    ["a target that is no name", { source_labels: ["y"], target_label: "1$1", replacement: "yes" }, 'a{x="1",y="Two"}'],
    ["the name", { source_labels: ["__name__"], target_label: "__name__", replacement: "b_$1" }, 'b_a{x="1",y="Two"}'],
    ["keep", { source_labels: ["x"], regex: "1|2", action: "keep" }, 'a{x="1",y="Two"}'],
    ["keep others", { source_labels: ["x"], regex: "2", action: "keep" }, null],
    ["drop", { source_labels: ["x"], regex: "1", action: "drop" }, null],
    ["drop what is absent", { source_labels: ["none"], regex: "", action: "drop" }, null],
    ["keepequal", { source_labels: ["x"], target_label: "y", action: "keepequal" }, null],
    ["dropequal", { source_labels: ["x"], target_label: "y", action: "dropequal" }, 'a{x="1",y="Two"}'],
    ["labeldrop", { regex: "x|z", action: "labeldrop" }, 'a{y="Two"}'],
    ["labelkeep", { regex: "x|__name__", action: "labelkeep" }, 'a{x="1"}'],
    ["labelmap", { regex: "(x|y)", replacement: "old_$1", action: "labelmap" }, 'a{old_x="1",old_y="Two",x="1",y="Two"}'],
    ["lowercase", { source_labels: ["y"], target_label: "y", action: "lowercase" }, 'a{x="1",y="two"}'],
    ["uppercase", { source_labels: ["y"], target_label: "z", action: "uppercase" }, 'a{x="1",y="Two",z="TWO"}'],
    // From Prometheus' own test: foo is 976 of 1000.
    ["hashmod", { source_labels: ["c"], target_label: "d", separator: ";", modulus: 1000, action: "hashmod" }, null],
  ])("%s", (name, rule, expected) => {
    if (name !== "hashmod") expect(relabelled(rule)).toBe(expected);
    else expect(through(start({ relabel_configs: [rule] }), [series("a", { c: "baz" }), 1])[0][0]).toBe('a{c="baz",d="976"}');
  });

  test("rules see what those before made, and what only they need is gone in the end", () => {
    expect(
      relabelled(
        { source_labels: ["x"], target_label: "__tmp", replacement: "t$1" },
        { source_labels: ["__tmp"], regex: "t1", target_label: "seen", replacement: "yes" },
      ),
    ).toBe('a{seen="yes",x="1",y="Two"}');
  });

  test.each([[{ action: "replace" }], [{ action: "hashmod", target_label: "x" }], [{ regex: "(", target_label: "x" }]])(
    "%j is refused with its place",
    (rule) => {
      expect(() => start({ relabel_configs: [rule] })).toThrow(
        expect.objectContaining({ code: "relabel_invalid", where: "/relabel_configs/0" }),
      );
    },
  );
});

test("a series that is renamed keeps its type, help and unit, and is asked about once", () => {
  const map = start({
    relabel_configs: [{ source_labels: ["__name__"], regex: "a", target_label: "__name__", replacement: "b" }],
  });
  const id = series("a");
  const batch = createBatch(1);
  batch.series[0] = id;
  batch.length = 1;
  map.process(batch);
  expect(ctx.seriesInfo(batch.series[0])).toEqual({ name: "b", labels: {}, type: "counter", unit: "bytes", help: "of the test" });
});

test("a series that cannot become what it should stays as it is and is counted, what is dropped too", async () => {
  const map = start({
    relabel_configs: [
      { source_labels: ["__name__"], regex: "gone", action: "drop" },
      { source_labels: ["__name__"], regex: "bad", target_label: "__name__", replacement: "" },
    ],
  });
  const { series: register } = ctx;
  ctx.series = (name, labels, info) => {
    if (name === "") throw new Error("no name");
    return register.call(ctx, name, labels, info);
  };
  expect(through(map, [series("bad"), 1], [series("gone"), 2], [series("good"), 3])).toEqual([
    ["bad", 1],
    ["good", 3],
  ]);
  await ctx.advance(10_000);
  expect(ctx.emitted.map(({ value }) => value)).toEqual([1, 1]);
});

test("values are scaled, moved, computed and clamped, in this order, and ends of series stay what they are", () => {
  const map = start({
    values: [
      { series: "f", offset: -32, expression: "value / 1.8", clamp_min: 0 },
      { series: '{__name__=~"k.*"}', scale: 1024, clamp_max: 4096 },
      { series: "keeps", scale: 0 },
    ],
  });
  expect(
    through(map, [series("f"), 212], [series("f"), 0], [series("k1"), 2], [series("keeps"), 8], [series("other"), 5]),
  ).toEqual([
    ["f", 100],
    ["f", 0],
    ["k1", 2048],
    ["keeps", 4096],
    ["other", 5],
  ]);
  const batch = createBatch(1);
  batch.series[0] = series("f");
  batch.length = 1;
  const words = new BigUint64Array(batch.values.buffer);
  words[0] = 0x7ff0000000000002n;
  map.process(batch);
  expect(words[0]).toBe(0x7ff0000000000002n);
});

test("an expression that cannot be read is refused", () => {
  expect(() => start({ values: [{ series: "a", expression: "value +" }] })).toThrow(
    expect.objectContaining({ code: "expression_invalid" }),
  );
});
