import type { Logger, Manifest } from "all-use-agent/sdk";
import { expect, it } from "vitest";
import { Permissions } from "./permissions.ts";

function permissions(...granted: string[]): { permissions: Permissions; logged: string[] } {
  const logged: string[] = [];
  const log: Logger = { debug: () => {}, info: () => {}, warn: (message) => void logged.push(message), error: () => {} };
  const manifest = { id: "collectors/demo", permissions: granted } as unknown as Manifest;
  return { permissions: new Permissions(manifest, log), logged };
}

it("without a grant nothing is read, and each kind of refusal is logged once and counted", () => {
  const { permissions: none, logged } = permissions();
  for (let i = 0; i < 3; i++) expect(() => none.needRead(["node_load1"])).toThrow(/metrics:read:node_load1/);
  expect(() => none.needDocuments()).toThrow(/documents/);
  expect(none.denied).toBe(4);
  expect(logged).toHaveLength(2);
});

it("a glob grants the names it matches and no others", () => {
  const { permissions: some } = permissions("metrics:read:node_*", "metrics:read:up");
  expect(some.mayRead("node_load1")).toBe(true);
  expect(some.mayRead("up")).toBe(true);
  expect(some.mayRead("upper")).toBe(false);
  expect(some.mayRead("x_node_load1")).toBe(false);
});

it("a query that names no metric needs the grant of all", () => {
  expect(permissions("metrics:read:node_*").permissions.mayRead(null)).toBe(false);
  expect(permissions("metrics:read:*").permissions.mayRead(null)).toBe(true);
});

it("what is declared may be written, unless prefixes narrow it", () => {
  expect(() => permissions().permissions.needWrite("demo_value")).not.toThrow();
  expect(() => permissions("metrics:write:demo_").permissions.needWrite("demo_value")).not.toThrow();
  expect(() => permissions("metrics:write:other_").permissions.needWrite("demo_value")).toThrow(/metrics:write:demo_value/);
});
