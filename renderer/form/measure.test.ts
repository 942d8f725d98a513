import { expect, test } from "vitest";
import { measureOf, measureText } from "./measure.ts";

test("numbers are written as the shortest exact text", () => {
  const text = (name: string, format: "duration" | "bytes", value: number): string => measureText(measureOf(name, format), value);
  expect(text("interval_ms", "duration", 1000)).toBe("1s");
  expect(text("interval_ms", "duration", 1500)).toBe("1500ms");
  expect(text("wait", "duration", 90_000)).toBe("90s");
  expect(text("timeout_s", "duration", 7200)).toBe("2h");
  expect(text("keep_days", "duration", 30)).toBe("30d");
  expect(text("max_disk_bytes", "bytes", 2_147_483_648)).toBe("2GiB");
  expect(text("roomy_bytes", "bytes", 50_000_000_000)).toBe("50GB");
  expect(text("size_mib", "bytes", 1.5)).toBe("1536KiB");
  expect(text("report_interval_ms", "duration", 0)).toBe("0s");
  expect(text("interval_ms", "duration", 0.5)).toBe("0.5");
});

test("a name without a unit is a label as it is", () => {
  expect(measureOf("wait", "duration")).toMatchObject({ label: "Wait", unit: "ms" });
  expect(measureOf("s", "duration").label).toBe("S");
  expect(measureOf("max_disk_bytes", "bytes").label).toBe("Max disk");
});
