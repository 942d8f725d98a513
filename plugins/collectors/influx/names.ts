import type { Labels, MetricInfo } from "all-use-agent/sdk";

/** A metric's name of a measurement's field, by the rule of most that read this protocol: the field `value` has no name of its own. */
export function metricName(measurement: string, field: string): string {
  const name = (field === "value" ? measurement : `${measurement}_${field}`).replace(/[^a-zA-Z0-9_:]/g, "_");
  return /^[0-9]/.test(name) ? `_${name}` : name;
}

/** Tags as labels: what no label's name may hold becomes `_`. Empty tags are none. */
export function labelsOf(tags: readonly (readonly [string, string])[]): Labels {
  const labels: Record<string, string> = {};
  for (const [key, value] of tags) {
    const name = key.replace(/[^a-zA-Z0-9_]/g, "_").replace(/^__+/, "_");
    if (value !== "") labels[/^[0-9]/.test(name) ? `_${name}` : name] = value;
  }
  return labels;
}

/** The protocol says nothing of types: what is named like a counter is one. */
export function metricInfo(name: string, measurement: string, field: string): MetricInfo {
  return {
    type: name.endsWith("_total") ? "counter" : "gauge",
    help: `The field ${field.slice(0, 200)} of ${measurement.slice(0, 200)}.`,
  };
}
