import { describe, expect, it } from "vitest";
import { canonicalHost, permissionCovers, permissionFault } from "./permissions.ts";

describe("a permission", () => {
  it.each([
    "read:/proc",
    "read:/",
    "read:C:\\Logs",
    "net:*",
    "net:example.com",
    "net:example.com:443",
    "net:10.0.0.0:9100",
    "net:[::1]:80",
    "exec:/usr/bin/perl",
    "exec:ipmitool",
    "metrics:read",
    "metrics:read:node_*",
    "metrics:write:demo_",
    "documents",
    "notify",
    "act",
    "act:restart",
  ])("%s is well formed", (permission) => expect(permissionFault(permission)).toBe(null));

  it.each([
    ["read:relative", /not absolute.*read:<absolute path>.*read:\/proc/],
    ["read", /does not say what/],
    ["read:/a/../etc", /\.\./],
    ["read:/a*", /star/],
    ["read:/a,/b", /comma/],
    ["net", /does not say what.*net:\*/],
    ["net:http://x", /no host and port/],
    ["net:x:0", /no host and port/],
    ["net:x:70000", /no host and port/],
    ["net:::1", /no host and port/],
    ["net:*.example.com", /no host and port/],
    ["exec:", /names no program/],
    ["exec:../x", /not absolute/],
    ["exec:sh -c", /names no program/],
    ["metrics:write", /does not say what/],
    ["metrics:read:a b", /names no metric/],
    ["documents:x", /takes nothing/],
    ["exce:perl", /did you mean exec:/],
    ["metric:read:x", /did you mean metrics:read/],
    ["network:x", /expected one of/],
    [7, /is text/],
  ])("%s is refused with the form expected", (permission, words) => expect(permissionFault(permission)).toMatch(words));
});

describe("a grant", () => {
  it.each([
    ["read:/etc", "read:/etc/hosts"],
    ["read:/", "read:/etc"],
    ["net:*", "net:x:1"],
    ["net:x", "net:x:1"],
    ["net:127.0.0.1:80", "net:0x7f.1:80"],
    ["metrics:read", "metrics:read:a"],
    ["metrics:read:*", "metrics:read"],
    ["metrics:read:node_*", "metrics:read:node_cpu_*"],
    ["metrics:write:a_", "metrics:write:a_b*"],
    ["act", "act:x"],
  ])("of %s includes %s", (granted, asked) => expect(permissionCovers(granted, asked)).toBe(true));

  it.each([
    ["read:/etc/hosts", "read:/etc"],
    ["read:/etc", "read:/etcetera"],
    ["net:x:1", "net:x"],
    ["net:x", "net:y"],
    ["exec:perl", "exec:/usr/bin/perl"],
    ["metrics:read:node_*", "metrics:read"],
    ["metrics:read:node_*", "metrics:read:*"],
    ["notify", "documents"],
  ])("of %s does not include %s", (granted, asked) => expect(permissionCovers(granted, asked)).toBe(false));
});

it("one address has one spelling", () => {
  expect(canonicalHost("EXAMPLE.com.")).toBe("example.com");
  expect(canonicalHost("[0:0::1]")).toBe("[::1]");
  expect(canonicalHost("2130706433")).toBe("127.0.0.1");
  expect(canonicalHost("a/b")).toBe(null);
});
