import type { Matcher, MetricInfo } from "all-use-agent/sdk";
import type { AgentView } from "./view.ts";

/** The span of JavaScript's dates: for routes that are asked without a range. */
export const ALL_TIME = { fromMs: -8.64e15, toMs: 8.64e15 } as const;

/** Prometheus' own kinds; ours that it does not know are unknown to it. */
const METADATA_TYPES = new Set(["counter", "gauge", "histogram", "summary"]);

export interface MetricMetadata {
  readonly type: string;
  readonly help: string;
  readonly unit: string;
}

/** What the manifests say of one metric, or of all (null), as Prometheus lists it. */
export async function metricMetadata(
  view: AgentView,
  metric: string | null,
  limit: number,
): Promise<Record<string, MetricMetadata[]>> {
  const declared = view.metadata();
  const data: Record<string, MetricMetadata[]> = {};
  let count = 0;
  for (const name of metric === null ? await declaredNames(view, declared) : [metric]) {
    if (count === limit) break;
    const info = declared.get(name) ?? patternOf(declared, name);
    if (info === undefined) continue;
    data[name] = [{ type: METADATA_TYPES.has(info.type) ? info.type : "unknown", help: info.help, unit: info.unit ?? "" }];
    count++;
  }
  return data;
}

/** Every declared name; for a declaration that ends in `*`, the names in storage that it stands for. */
async function declaredNames(view: AgentView, declared: ReadonlyMap<string, MetricInfo>): Promise<string[]> {
  const names = new Set<string>();
  for (const name of declared.keys()) {
    if (!name.endsWith("*")) names.add(name);
    else {
      const matcher: Matcher = { label: "__name__", op: "=~", value: `${name.slice(0, -1)}.*` };
      for (const series of await view.storage().series([matcher], ALL_TIME.fromMs, ALL_TIME.toMs)) names.add(series.name);
    }
  }
  return [...names].sort();
}

/** The longest declaration ending in `*` that covers the name. */
function patternOf(declared: ReadonlyMap<string, MetricInfo>, name: string): MetricInfo | undefined {
  for (let length = name.length; length > 0; length--) {
    const info = declared.get(`${name.slice(0, length)}*`);
    if (info !== undefined) return info;
  }
  return undefined;
}
