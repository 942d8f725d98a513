import type { PluginReport } from "all-use-agent/sdk";
import { expect, it } from "vitest";
import { pluginTrouble } from "./plugin-advice.ts";

const report = (changes: Partial<PluginReport>): PluginReport =>
  ({ id: "collectors/a", folder: "/plugins/a", state: "ok", reason: null, code: null, ...changes }) as PluginReport;

it("says nothing of plugins that are well, or stopped as they should be", () => {
  for (const state of ["ok", "starting", "stopping", "stopped"] as const) expect(pluginTrouble(report({ state }))).toBeNull();
});

it("says what is wrong and what to do, with the plugin's own id and folder", () => {
  expect(pluginTrouble(report({ state: "failed", reason: "it fell", code: "crashed" }))).toBe(
    "it fell. alluse plugin log collectors/a shows what it said last; mended, alluse plugin enable collectors/a forgives it.",
  );
  expect(pluginTrouble(report({ state: "stopped", reason: "it is suspended", code: "budget_exceeded" }))).toMatch(
    /^it is suspended\. .*\/plugins\/a\/plugin\.json/,
  );
  expect(pluginTrouble(report({ state: "failed", reason: "x", code: "never_heard_of" }))).toMatch(
    /alluse plugin log collectors\/a/,
  );
});

it("repeats no advice that the reason gives already", () => {
  expect(pluginTrouble(report({ state: "stopped", reason: "left out: enable it", code: "safe_mode" }))).toBe(
    "left out: enable it (/plugins/a)",
  );
  expect(pluginTrouble(report({ state: "degraded", reason: "in its own words" }))).toBe("in its own words");
});
