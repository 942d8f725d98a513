import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  addRow,
  changePart,
  changeRow,
  countChanges,
  draftOf,
  type GroupDraft,
  type LeafDraft,
  type ListDraft,
  removeRow,
  reset,
  type SecretDraft,
  secretsOf,
  typed,
  unreadable,
  valueOf,
} from "./draft.ts";
import { type GroupField, type LeafField, type ListField, formOf } from "./field.ts";
import type { JsonObject } from "./json.ts";

const schema: JsonObject = {
  type: "object",
  required: ["host"],
  properties: {
    host: { type: "string" },
    path: { type: "string", default: "/proc" },
    interval_ms: { type: "integer", default: 1000 },
    wait: { type: ["string", "integer"], format: "duration" },
    deep: { type: "boolean", default: true },
    loud: { type: "boolean" },
    mode: { enum: ["auto", 7, null], default: "auto" },
    parts: { type: "array", uniqueItems: true, items: { enum: ["cpu", "disk"] } },
    tags: { type: "array", items: { type: "string" }, default: ["a"] },
    targets: {
      type: "array",
      items: {
        type: "object",
        required: ["host"],
        properties: { host: { type: "string" }, port: { type: "integer", default: 80 } },
      },
    },
    limits: { type: "object", properties: { low: { type: "number" }, high: { type: "number", default: 9 } } },
    range: { type: "object", default: { from: 1, to: 2 }, properties: { from: { type: "integer" }, to: { type: "integer" } } },
    rules: { type: "object", additionalProperties: { type: "string" } },
    size_mib: { type: "number", format: "bytes", default: 512 },
    token: { type: "string", format: "secret" },
    auth: { type: "object", properties: { user: { type: "string" }, password: { type: "string", format: "secret" } } },
    hosts: { type: "array", items: { type: "object", properties: { key: { type: "string", format: "secret" } } } },
  },
};

interface Filled {
  readonly form: GroupField;
  readonly draft: GroupDraft;
}

const filled = (value: JsonObject, secrets: readonly string[] = []): Filled => {
  const form = formOf(schema, value);
  return { form, draft: draftOf(form, value, secrets) as GroupDraft };
};
const leaf = (form: GroupField, name: string): LeafField => form.fields.find((one) => one.name === name) as LeafField;
const typing = ({ form, draft }: Filled, name: string, text: string): Filled => ({
  form,
  draft: changePart(draft, name, typed(leaf(form, name), draft.parts[name] as LeafDraft, text)),
});
const value = ({ form, draft }: Filled): unknown => valueOf(form, draft);

describe("what is written", () => {
  test("is what was set, and nothing else", () => {
    expect(value(filled({}))).toEqual({});
    const set = { host: "a", deep: false, interval_ms: 1000, targets: [{ host: "x" }], limits: { low: 2 } };
    expect(value(filled(set))).toEqual(set);
  });

  test("is any configuration that was there, value for value", () => {
    const config = fc.record(
      {
        host: fc.string({ minLength: 1 }),
        interval_ms: fc.integer(),
        wait: fc.oneof(fc.integer(), fc.constant("5m")),
        deep: fc.boolean(),
        mode: fc.constantFrom("auto", 7, null),
        parts: fc.uniqueArray(fc.constantFrom("cpu", "disk")),
        tags: fc.array(fc.string()),
        targets: fc.array(fc.record({ host: fc.string({ minLength: 1 }), port: fc.integer() }, { requiredKeys: ["host"] })),
        limits: fc.record({ low: fc.double({ noNaN: true, noDefaultInfinity: true }).map((n) => n + 0) }, { requiredKeys: [] }),
        rules: fc.dictionary(fc.string(), fc.string()),
        unknown: fc.oneof(fc.integer(), fc.array(fc.boolean())),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(config, (given) => {
        const plain = JSON.parse(JSON.stringify(given)) as JsonObject;
        const { form, draft } = filled(plain);
        expect(valueOf(form, draft)).toEqual(plain);
        expect(countChanges(form, draft, plain)).toBe(0);
      }),
    );
  });

  test("are numbers where numbers were typed, and the typed text where they were not, for the agent to refuse", () => {
    expect(value(typing(filled({}), "interval_ms", " 250 "))).toEqual({ interval_ms: 250 });
    expect(value(typing(filled({}), "interval_ms", "1e3x"))).toEqual({ interval_ms: "1e3x" });
    expect(value(typing(filled({}), "interval_ms", "0x10"))).toEqual({ interval_ms: "0x10" });
    expect(value(typing(filled({}), "wait", "5m"))).toEqual({ wait: "5m" });
    expect(value(typing(filled({}), "wait", "300"))).toEqual({ wait: 300 });
  });

  test("leaves out a default that was typed again, and a text that was taken out", () => {
    const changed = typing(filled({}), "interval_ms", "5");
    expect(value(typing(changed, "interval_ms", "1000"))).toEqual({});
    expect(value(typing(filled({ host: "a" }), "host", ""))).toEqual({});
    expect(value(typing(typing(filled({}), "loud", "true"), "loud", "false"))).toEqual({});
  });

  test("keeps a default that the operator had written down", () => {
    const changed = typing(filled({ interval_ms: 1000 }), "interval_ms", "5");
    expect(value(typing(changed, "interval_ms", "1000"))).toEqual({ interval_ms: 1000 });
  });

  test("is empty where an empty text means something else than the default", () => {
    expect(value(typing(filled({}), "path", ""))).toEqual({ path: "" });
  });

  test("is the whole of an object whose default is replaced in part", () => {
    const { form, draft } = filled({});
    const range = form.fields.find(({ name }) => name === "range") as GroupField;
    const part = draft.parts["range"] as GroupDraft;
    const to = typed(range.fields[1] as LeafField, part.parts["to"] as LeafDraft, "5");
    expect(valueOf(form, changePart(draft, "range", changePart(part, "to", to)))).toEqual({ range: { from: 1, to: 5 } });
  });

  test("is what stood there before after a reset to the default", () => {
    const { form, draft } = filled({ host: "a", interval_ms: 5, tags: ["x", "y"] });
    const after = ["interval_ms", "tags"].reduce(
      (now, name) => changePart(now, name, reset(leaf(form, name), now.parts[name])),
      draft,
    );
    expect(valueOf(form, after)).toEqual({ host: "a" });
    expect((after.parts["interval_ms"] as LeafDraft).text).toBe("1000");
    expect((after.parts["tags"] as ListDraft).rows.length).toBe(1);
  });
});

describe("a list", () => {
  test("gains and loses rows, and an empty row is not lost on the way", () => {
    const { form, draft } = filled({});
    const tags = form.fields.find(({ name }) => name === "tags") as ListField;
    const before = draft.parts["tags"] as ListDraft;
    const longer = addRow(tags, before);
    expect(valueOf(tags, longer)).toEqual(["a", ""]);
    const typedRow = typed(tags.item as LeafField, longer.rows[1].draft as LeafDraft, "b");
    const changed = changeRow(longer, longer.rows[1].key, typedRow);
    expect(valueOf(tags, changed)).toEqual(["a", "b"]);
    expect(valueOf(tags, removeRow(changed, changed.rows[0].key))).toEqual(["b"]);
    expect(valueOf(tags, before)).toBeUndefined();
  });

  test("of objects begins with an empty object", () => {
    const { form, draft } = filled({});
    const targets = form.fields.find(({ name }) => name === "targets") as ListField;
    expect(valueOf(targets, addRow(targets, draft.parts["targets"] as ListDraft))).toEqual([{}]);
  });

  test("keeps what its schema does not know in any of its rows", () => {
    const given = { targets: [{ host: "a" }, { host: "b", old: [1] }] };
    expect(value(filled(given))).toEqual(given);
  });
});

describe("a secret", () => {
  test("is never among the values, and goes along only when it changes", () => {
    const { form, draft } = filled({ host: "a" }, ["token"]);
    const secret = draft.parts["token"] as SecretDraft;
    expect(secret).toMatchObject({ name: "token", known: true, change: "keep", text: "" });
    expect(secretsOf(form, draft)).toEqual({});
    const replaced = changePart(draft, "token", { ...secret, change: "replace", text: "s3" });
    expect([valueOf(form, replaced), secretsOf(form, replaced)]).toEqual([{ host: "a" }, { token: "s3" }]);
    expect(countChanges(form, replaced, { host: "a" })).toBe(1);
    const forgotten = changePart(draft, "token", { ...secret, change: "forget" });
    expect(secretsOf(form, forgotten)).toEqual({ token: null });
  });
});

describe("a secret inside of something", () => {
  const known = ["auth.password", "hosts.0.key", "hosts.1.key"];

  test("goes by its place, and does not make its object be written", () => {
    const { form, draft } = filled({}, known);
    const auth = draft.parts["auth"] as GroupDraft;
    const secret = auth.parts["password"] as SecretDraft;
    expect(secret).toMatchObject({ name: "auth.password", known: true });
    const after = changePart(draft, "auth", changePart(auth, "password", { ...secret, change: "replace", text: "x" }));
    expect([valueOf(form, after), secretsOf(form, after)]).toEqual([{}, { "auth.password": "x" }]);
  });

  test("of a row that is removed is forgotten, and a row in its place begins without one", () => {
    const config = { hosts: [{}, {}] };
    const { form, draft } = filled(config, known);
    const field = form.fields.find(({ name }) => name === "hosts") as ListField;
    const list = draft.parts["hosts"] as ListDraft;
    const shorter = removeRow(list, list.rows[1].key);
    const after = changePart(draft, "hosts", shorter);
    expect([valueOf(form, after), secretsOf(form, after)]).toEqual([{ hosts: [{}] }, { "hosts.1.key": null }]);
    const again = addRow(field, shorter, "hosts");
    const fresh = (again.rows[1].draft as GroupDraft).parts["key"] as SecretDraft;
    expect(fresh).toMatchObject({ name: "hosts.1.key", known: false });
    const retyped = changeRow(again, again.rows[1].key, {
      kind: "group",
      pinned: false,
      parts: { key: { ...fresh, change: "replace", text: "new" } },
    });
    expect(secretsOf(field, retyped)).toEqual({ "hosts.1.key": "new" });
    expect(secretsOf(field, reset(field, list, "hosts"))).toEqual({ "hosts.0.key": null, "hosts.1.key": null });
  });
});

describe("a duration or a size", () => {
  test("that was a number is shown with its unit, and stays the number until it is changed", () => {
    const before = filled({ wait: 90_000, size_mib: 1024 });
    expect((before.draft.parts["wait"] as LeafDraft).text).toBe("90s");
    expect((before.draft.parts["size_mib"] as LeafDraft).text).toBe("1GiB");
    expect(value(before)).toEqual({ wait: 90_000, size_mib: 1024 });
    expect(value(typing(before, "wait", "2m"))).toEqual({ wait: "2m", size_mib: 1024 });
    expect(value(typing(typing(before, "wait", "2m"), "wait", "90s"))).toEqual({ wait: 90_000, size_mib: 1024 });
  });

  test("by default is shown with its unit and not written", () => {
    expect((filled({}).draft.parts["size_mib"] as LeafDraft).text).toBe("512MiB");
    expect(value(typing(typing(filled({}), "size_mib", "1"), "size_mib", "512MiB"))).toEqual({});
  });
});

test("changes are counted by property", () => {
  const before = filled({ host: "a" });
  const after = typing(typing(before, "host", "b"), "interval_ms", "5");
  expect(countChanges(after.form, after.draft, { host: "a" })).toBe(2);
});

test("only JSON that is none cannot be sent", () => {
  const broken = typing(filled({}), "rules", "{ a");
  expect(unreadable(broken.form, broken.draft)).toEqual([["rules"]]);
  const mended = typing(broken, "rules", '{"a":"b"}');
  expect(unreadable(mended.form, mended.draft)).toEqual([]);
  expect(value(mended)).toEqual({ rules: { a: "b" } });
});
