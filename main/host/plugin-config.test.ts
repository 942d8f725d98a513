import { describe, expect, it } from "vitest";
import { checkManifest } from "./manifest.ts";
import { resolveConfig, secretPointers, settleConfig } from "./plugin-config.ts";

const base = {
  id: "collectors/demo",
  version: "1.0.0",
  api: 1,
  kind: "collector",
  entry: "index.mjs",
  title: "Demo",
  stability: "beta",
};
const manifestOf = (properties: Record<string, unknown>, more: Record<string, unknown> = {}) =>
  checkManifest({ ...base, config: { type: "object", properties, ...more } }, "plugin.json");

const manifest = manifestOf({
  interval_ms: { type: "integer", format: "duration", minimum: 100, default: "1s" },
  timeout_s: { type: "number", format: "duration", maximum: 60, default: 5 },
  cache: { format: "bytes", default: "64 MiB" },
  path: { type: "string", format: "data-path", default: "demo" },
  log: { type: "string", format: "path" },
  source: { enum: ["auto", "proc"], default: "auto" },
  share: { type: "number", unit: "percent", maximum: 100 },
  token: { type: "string", format: "secret", minLength: 8 },
  targets: {
    type: "array",
    items: {
      type: "object",
      required: ["host"],
      additionalProperties: false,
      properties: {
        host: { type: "string" },
        password: { type: "string", format: "secret" },
        wait: { format: "duration", default: "1m" },
      },
    },
  },
});

const problems = (config: Record<string, unknown>, secrets: Record<string, string> = {}) =>
  settleConfig(manifest, config, { dataDir: "/data", secrets }).problems.map(({ where, message }) => `${where}: ${message}`);

describe("a plugin's configuration", () => {
  it("is what the plugin wants of what the operator wrote", () => {
    const given = { interval_ms: "250ms", timeout_s: "1m", path: "/else", targets: [{ host: "a" }] };
    expect(
      resolveConfig(manifest, given, { dataDir: "/data", secrets: { "/token": "longenough", "/targets/0/password": "pw" } }),
    ).toEqual({
      interval_ms: 250,
      timeout_s: 60_000,
      cache: 64 * 2 ** 20,
      path: "/else",
      source: "auto",
      token: "longenough",
      targets: [{ host: "a", password: "pw", wait: 60_000 }],
    });
    expect(resolveConfig(manifest, {}, "/data")).toMatchObject({ interval_ms: 1000, timeout_s: 5000, path: "/data/demo" });
  });

  it.each([
    [{ intervl_ms: 5 }, '/intervl_ms: "intervl_ms" is not known here, did you mean "interval_ms"?'],
    [{ source: "prok" }, '/source: expected one of auto, proc, found "prok", did you mean "proc"?'],
    [{ interval_ms: "10ms" }, '/interval_ms: expected 100 ms or more, found "10ms"'],
    [{ interval_ms: "0.5ms" }, '/interval_ms: expected integer, found "0.5ms"'],
    [{ timeout_s: "2m" }, '/timeout_s: expected 60 s or less, found "2m"'],
    [{ timeout_s: "2 weeks" }, /\/timeout_s: expected a duration such as "5m".*, or a number of s, found "2 weeks"/],
    [{ cache: "64M" }, /\/cache: expected a size such as "512 MiB".* found "64M"/],
    [{ share: 101 }, "/share: expected 100 percent or less, found 101"],
    [{ log: "here" }, /\/log: expected a path that begins with \//],
    [{ targets: [{ hots: "a" }] }, '/targets/0/host: "host" is missing'],
    [{ targets: [{ host: "a", wait: "?" }] }, /\/targets\/0\/wait: expected a duration/],
  ])("%j is refused with the place, what was found and what was expected", (given, expected) => {
    expect(problems(given)).toContainEqual(typeof expected === "string" ? expected : expect.stringMatching(expected));
  });

  it("tells all that is wrong, and throws the first of it", () => {
    const given = { interval_ms: "x", source: "y", z: 1 };
    expect(problems(given)).toHaveLength(3);
    expect(() => resolveConfig(manifest, given, "/data")).toThrow(
      /of collectors\/demo is not valid at \/interval_ms: .*and 2 more/,
    );
  });

  it("takes no secret in clear, says how to set it, and quotes none", () => {
    const [found, ...rest] = problems({ token: "hunter2!", targets: [{ host: "a", password: { deep: "hunter2!" } }] });
    expect(found).toMatch(/^\/token: .*`alluse plugin config collectors\/demo --secret token`/);
    expect(rest).toEqual([expect.stringMatching(/--secret targets\.0\.password/)]);
    const short = problems({}, { "/token": "hunter2" });
    expect(short).toEqual([expect.stringMatching(/^\/token: expected at least 8 characters/)]);
    expect(JSON.stringify([found, rest, short])).not.toContain("hunter2");
  });

  it("asks for a secret that it needs in the words of the command line", () => {
    const needs = manifestOf({ token: { format: "secret" } }, { required: ["token"] });
    const { problems: found } = settleConfig(needs, {}, { dataDir: "/", key: "collectors/demo#lan" });
    expect(found.map(({ where, message }) => `${where}: ${message}`)).toEqual([
      expect.stringMatching(/^\/token: .*config collectors\/demo --instance lan --secret token`/),
    ]);
    expect(settleConfig(needs, {}, { dataDir: "/", secretsMayMiss: true }).problems).toEqual([]);
  });

  it("names the secrets it could have", () => {
    expect(secretPointers(manifest, { targets: [{ host: "a" }, { host: "b" }] })).toEqual([
      "/token",
      "/targets/0/password",
      "/targets/1/password",
    ]);
    const nested = manifestOf({ auth: { type: "object", properties: { password: { format: "secret" } } } });
    expect(secretPointers(nested, {})).toEqual(["/auth/password"]);
    expect(resolveConfig(nested, {}, { dataDir: "/", secrets: { "/auth/password": "pw" } })).toEqual({
      auth: { password: "pw" },
    });
  });

  it("ignores a secret whose place is gone", () => {
    expect(
      resolveConfig(manifest, {}, { dataDir: "/", secrets: { "/gone": "x", "/targets/3/password": "y" } }),
    ).not.toHaveProperty("gone");
  });
});

describe("a manifest's configuration schema", () => {
  it.each([
    [{ a: { format: "durations" } }, '/config/properties/a/format: "durations" is no known format, did you mean "duration"?'],
    [{ a: { type: "integer", default: "x" } }, '/config/properties/a/default: expected integer, found "x"'],
    [
      { a_ms: { format: "duration", minimum: 100, default: "50ms" } },
      '/config/properties/a_ms/default: expected 100 ms or more, found "50ms"',
    ],
    [{ a: { minimun: 1 } }, '"minimun" is no keyword of a configuration\'s schema, did you mean "minimum"?'],
    [{ a: { type: "strng" } }, "/config/properties/a/type: expected one or some of object"],
    [{ a: { pattern: "(" } }, "/config/properties/a/pattern: expected a regular expression"],
    [{ a: { format: "duration", type: "boolean" } }, "a duration is of type number or integer or string, found boolean"],
    [{ a: { format: "secret", default: "x" } }, "/config/properties/a/default: a secret has no default"],
    [{ a: { anyOf: [{ format: "secret" }] } }, "/config/properties/a/anyOf/0/format: the format secret counts only below"],
    [{ a: { $ref: "#/$defs/b" } }, "/config/properties/a/$ref: there is nothing at #/$defs/b"],
    [
      { a: { items: { properties: { b: { type: "number", default: "?" } } } } },
      "/config/properties/a/items/properties/b/default: expected number",
    ],
    [
      { a: { type: "object", properties: { b: { type: "number" } }, default: { b: "?" } } },
      "/config/properties/a/default/b: expected number",
    ],
  ])("%j is refused", (properties, sentence) => {
    expect(() => manifestOf(properties)).toThrow(sentence);
  });

  it("of any other shape is refused without throwing anything else", () => {
    for (const config of [{ type: "array" }, { properties: 5 }, { properties: { a: 5 } }, { required: "a" }, { oneOf: {} }])
      expect(() => checkManifest({ ...base, config }, "plugin.json")).toThrow(/not a valid manifest: \/config/);
  });
});
