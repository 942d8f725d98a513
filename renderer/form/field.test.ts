import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type Field, formOf, inherit } from "./field.ts";
import type { JsonObject } from "./json.ts";

const root = join(import.meta.dirname, "../..");

function fieldsOf(properties: JsonObject, more: JsonObject = {}): readonly Field[] {
  return formOf({ type: "object", properties, ...more }, {}).fields;
}
const one = (schema: JsonObject, name = "x"): Field => fieldsOf({ [name]: schema })[0];

describe("a property becomes the field its schema asks for", () => {
  test.each([
    [{ type: "string" }, "text"],
    [{ type: "string", format: "duration" }, "quantity"],
    [{ type: "integer" }, "number"],
    [{ type: "number", format: "bytes" }, "quantity"],
    [{ type: ["integer", "string"], format: "duration" }, "quantity"],
    [{ type: "boolean" }, "switch"],
    [{ enum: ["a", "b"] }, "choice"],
    [{ oneOf: [{ const: 1 }, { const: 2 }] }, "choice"],
    [{ type: "string", format: "secret" }, "secret"],
    [{ type: "string", writeOnly: true }, "secret"],
    [{ type: "array", items: { type: "string" } }, "list"],
    [{ type: "array", items: { enum: ["a", "b"] }, uniqueItems: true }, "pick"],
    [{ type: "array", items: { type: "object", properties: {} } }, "list"],
    [{ type: "object", properties: { a: { type: "string" } } }, "group"],
  ] as const)("%j is drawn as %s", (schema, kind) => {
    expect(one(schema as JsonObject).kind).toBe(kind);
  });

  test.each([
    [{ oneOf: [{ type: "string" }, { type: "object" }] }],
    [{ type: ["string", "null"] }],
    [{ type: "object", additionalProperties: { type: "string" } }],
    [{ type: "array", items: { type: "array", items: { type: "string" } } }],
    [{ type: "string", if: {} }],
    [{}],
    [true],
    [{ $ref: "https://elsewhere.invalid/x.json" }],
  ])("%j is edited as JSON", (schema) => {
    expect(one(schema as JsonObject).kind).toBe("json");
  });

  test("a reference into the same schema is followed, one that leads in circles ends as JSON", () => {
    const fields = fieldsOf(
      { a: { $ref: "#/$defs/port", description: "Where." }, b: { $ref: "#/$defs/tree" } },
      {
        $defs: {
          port: { type: "integer", default: 80 },
          tree: { type: "object", properties: { child: { $ref: "#/$defs/tree" } } },
        },
      },
    );
    expect(fields[0]).toMatchObject({ kind: "number", fallback: 80, help: "Where." });
    let depth = 0;
    for (let field: Field = fields[1]; field.kind === "group"; field = field.fields[0]) depth++;
    expect(depth).toBeGreaterThan(1);
    expect(depth).toBeLessThan(20);
  });
});

describe("a field says", () => {
  test("its unit, annotated or at the end of its name, and then not twice", () => {
    expect(one({ type: "integer" }, "interval_ms")).toMatchObject({ label: "Interval", unit: "milliseconds" });
    expect(one({ type: "integer", unit: "ms" }, "wait")).toMatchObject({ label: "Wait", unit: "milliseconds" });
    expect(one({ type: "integer", unit: "requests" }, "burst")).toMatchObject({ label: "Burst", unit: "requests" });
    expect(one({ type: "integer" }, "packet_count")).toMatchObject({ label: "Packet count", unit: null });
  });

  test("in what a plain number of a duration or size is counted", () => {
    expect(one({ type: "integer", format: "duration" }, "timeout_s")).toMatchObject({
      label: "Timeout",
      measure: { format: "duration", unit: "s", factor: 1000 },
    });
    expect(one({ type: "string", format: "bytes" }, "cache")).toMatchObject({
      label: "Cache",
      measure: { unit: "B", factor: 1 },
    });
    const list = one({ type: "array", items: { type: "integer", format: "duration" } }, "steps_min");
    expect(list.kind === "list" && list.item).toMatchObject({ measure: { unit: "m" } });
  });

  test("whether it is required, and what holds without it", () => {
    const [a, b] = fieldsOf({ a: { type: "string" }, b: { type: "integer", default: 3 } }, { required: ["a"] });
    expect([a.required, a.fallback, b.required, b.fallback]).toEqual([true, undefined, false, 3]);
  });

  test("its part of the default of the object around it", () => {
    const group = one({
      type: "object",
      default: { low: 1 },
      properties: { low: { type: "integer" }, high: { type: "integer" } },
    });
    expect(group.kind === "group" && group.fields.map(({ fallback }) => fallback)).toEqual([1, undefined]);
  });
});

test("a named instance has what is set for the plugin as a whole as its defaults", () => {
  const schema: JsonObject = {
    type: "object",
    required: ["host", "port"],
    properties: { host: { type: "string" }, port: { type: "integer" } },
  };
  const [host, port] = formOf(inherit(schema, { host: "a", old: 1 }), {}).fields;
  expect([host.required, host.fallback, port.required, port.fallback]).toEqual([false, "a", true, undefined]);
});

test("what is set and the schema does not know can be seen and removed", () => {
  const { fields } = formOf({ type: "object", properties: { a: { type: "string" } } }, { a: "x", intervall: 5 });
  expect(fields.map(({ name, kind }) => [name, kind])).toEqual([
    ["a", "text"],
    ["intervall", "json"],
  ]);
});

test("every bundled plugin's configuration has a form", () => {
  for (const file of globSync("plugins/*/*/plugin.json", { cwd: root })) {
    const { config = {} } = JSON.parse(readFileSync(join(root, file), "utf8")) as { config?: JsonObject };
    const { fields } = formOf(config, {});
    expect(fields.length).toBe(Object.keys((config["properties"] ?? {}) as object).length);
    for (const { label, help } of fields) expect([label, help]).not.toContain("");
  }
});
