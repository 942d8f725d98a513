import { describe, expect, it } from "vitest";
import { fillConfig, pointerParts, walkConfig } from "./config-schema.ts";
import { plainQuantity, quantityOf, readQuantity } from "./quantity.ts";

describe("quantities", () => {
  const plain = (name: string, format: string, value: unknown): number | null => {
    const quantity = quantityOf(name, format)!;
    const read = readQuantity(quantity, value);
    return read === null ? null : plainQuantity(quantity, read);
  };

  it.each([
    ["timeout", "5m", 300_000],
    ["timeout_ms", "1h30m", 5_400_000],
    ["timeout_s", "250ms", 250],
    ["timeout_s", 30, 30_000],
    ["timeout", 30, 30],
    ["retention_days", 1.5, 129_600_000],
    ["retention_days", "2 d 12 h", 216_000_000],
    ["timeout_s", 0.1, 100],
  ])("a duration %s of %j is %d ms", (name, value, ms) => expect(plain(name, "duration", value)).toBe(ms));

  it.each([
    ["size", "512 MiB", 536_870_912],
    ["size_bytes", "2GB", 2_000_000_000],
    ["size_mib", 2, 2_097_152],
    ["size", "1.5 kib", 1536],
    ["size", 7, 7],
  ])("a size %s of %j is %d bytes", (name, value, bytes) => expect(plain(name, "bytes", value)).toBe(bytes));

  it.each([
    ["duration", "5"],
    ["duration", "5 parsecs"],
    ["duration", "5m later"],
    ["duration", ""],
    ["duration", true],
    ["duration", "-5m"],
    ["duration", "constructor"],
    ["bytes", "1GiB 5MiB"],
    ["bytes", "2G"],
    ["bytes", null],
  ])("no %s is %j", (format, value) => expect(plain("x", format, value)).toBeNull());

  it("are of no other format", () => expect(quantityOf("timeout_ms", "regex")).toBeNull());
});

describe("fillConfig", () => {
  const schema = {
    type: "object",
    properties: {
      interval_ms: { type: "integer", format: "duration", default: "1s" },
      tls: { type: "object", properties: { verify: { type: "boolean", default: true }, ca: { type: "string" } } },
      login: { type: "object", required: ["user"], properties: { user: {}, realm: { default: "all" } } },
      targets: {
        type: "array",
        items: { type: "object", properties: { port: { default: 80 }, timeout_s: { format: "duration", default: 2 } } },
      },
      limits: { type: "object", additionalProperties: { type: "object", properties: { max: { default: 1 } } } },
    },
  };

  it("fills in nested defaults, in lists and in objects by name, and begins no object that needs more", () => {
    expect(fillConfig(schema, { targets: [{}, { port: 1 }], limits: { a: {} } })).toEqual({
      interval_ms: 1000,
      tls: { verify: true },
      targets: [
        { port: 80, timeout_s: 2000 },
        { port: 1, timeout_s: 2000 },
      ],
      limits: { a: { max: 1 } },
    });
    expect(fillConfig(schema, { login: { user: "u" } })["login"]).toEqual({ user: "u", realm: "all" });
  });

  it("leaves what was given alone", () => {
    const given = { targets: [{}] };
    fillConfig(schema, given);
    expect(given).toEqual({ targets: [{}] });
  });

  it("reaches no prototype by a name", () => {
    const odd = JSON.parse('{"properties":{"__proto__":{"default":{"polluted":true}}}}') as Record<string, unknown>;
    fillConfig(odd, {});
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
  });
});

it("pointers of places lead back to their parts", () => {
  const pointers: string[] = [];
  walkConfig({ properties: { "a/b~c": { items: {} } } }, { "a/b~c": [1] }, ({ pointer }) => pointers.push(pointer));
  expect(pointers).toEqual(["/a~1b~0c", "/a~1b~0c/0"]);
  expect(pointerParts(pointers[1])).toEqual(["a/b~c", "0"]);
});
