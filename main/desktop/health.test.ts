import type { AgentStatus, RecommendationReport, Severity } from "all-use-agent/sdk";
import { expect, test } from "vitest";
import { healthOf } from "./health.ts";

const NOW_MS = 1_800_000_000_000;

function told(
  status: { newestSampleMs?: number | null; startedMs?: number; problems?: string[] },
  severities: Severity[] = [],
  failed = 0,
): string {
  const whole = { newestSampleMs: NOW_MS - 1000, startedMs: NOW_MS - 60_000, problems: [], ...status } as unknown as AgentStatus;
  const open = severities.map((severity) => ({ severity }) as RecommendationReport);
  const { level, line } = healthOf(whole, { open: () => open, failedPlugins: () => failed }, NOW_MS);
  return `${level}: ${line}`;
}

test("nothing to say is calm", () => {
  expect(told({})).toBe("calm: Nothing needs you");
});

test("data that does not come is said before everything else", () => {
  expect(told({ newestSampleMs: NOW_MS - 11_000 }, ["critical"])).toBe("attention: No data for 11 s");
  expect(told({ newestSampleMs: NOW_MS - 300_000 })).toBe("attention: No data for 5 min");
  expect(told({ newestSampleMs: NOW_MS - 86_400_000 })).toBe("attention: No data for 24 h");
  expect(told({ newestSampleMs: null })).toBe("attention: No data for 60 s");
  expect(told({ newestSampleMs: null, startedMs: NOW_MS - 2000 })).toBe("calm: Starting");
});

test("advice comes before the agent's own troubles, and the worst of it decides the level", () => {
  expect(told({ problems: ["x"] }, ["attention"])).toBe("attention: 1 thing needs you");
  expect(told({}, ["attention", "critical"], 1)).toBe("critical: 2 things need you");
  expect(told({ problems: ["x"] }, [], 1)).toBe("attention: The agent has a problem");
  expect(told({ problems: ["x", "y"] })).toBe("attention: 2 problems of the agent");
  expect(told({}, [], 1)).toBe("attention: 1 plugin has failed");
  expect(told({}, [], 3)).toBe("attention: 3 plugins have failed");
});
