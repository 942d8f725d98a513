import { AgentError, type Labels, seriesKey } from "all-use-agent/sdk";
import type { JobConfig } from "./config.ts";
import type { Relabel } from "./relabel.ts";

/** Addresses that share labels, of the configuration or of a service list. */
export interface TargetGroup {
  readonly targets: readonly string[];
  readonly labels?: Labels;
}

/** One thing to scrape. Two with the same key are one. */
export interface TargetSpec {
  readonly key: string;
  readonly url: URL;
  readonly job: JobConfig;
  /** What every sample of it has: `job`, `instance` and its own. */
  readonly labels: Labels;
  readonly metricRelabel: Relabel;
}

/** Targets of a group by Prometheus' rules, those that relabeling drops left out. Throws `scrape_target_invalid`. */
export function targetsOf(job: JobConfig, group: TargetGroup, relabel: Relabel, metricRelabel: Relabel): TargetSpec[] {
  const specs: TargetSpec[] = [];
  for (const address of group.targets) {
    const found = relabel({
      __address__: address,
      __scheme__: job.scheme,
      __metrics_path__: job.metrics_path,
      ...Object.fromEntries(Object.entries(job.params).map(([name, [first = ""]]) => [`__param_${name}`, first])),
      job: job.job_name,
      ...job.labels,
      ...group.labels,
    });
    if (found === null) continue;
    const url = urlOf(job, found, address);
    const labels: Record<string, string> = { instance: found["__address__"] ?? address };
    for (const [name, value] of Object.entries(found)) if (!name.startsWith("__") && value !== "") labels[name] = value;
    specs.push({ key: `${url.href} ${seriesKey("", labels)}`, url, job, labels, metricRelabel });
  }
  return specs;
}

function urlOf(job: JobConfig, labels: Labels, address: string): URL {
  const { __scheme__: scheme = "http", __address__: host = address, __metrics_path__: path = "/metrics" } = labels;
  const text = `${scheme}://${host}${path.startsWith("/") ? path : `/${path}`}`;
  if ((scheme !== "http" && scheme !== "https") || host.includes("/") || host.includes("@") || !URL.canParse(text))
    throw new AgentError(
      "scrape_target_invalid",
      `${JSON.stringify(host.slice(0, 200))} of the job ${job.job_name} is no target: give host:port, without http:// and path`,
    );
  const url = new URL(text);
  for (const [name, values] of Object.entries(job.params))
    for (const value of values.slice(1)) url.searchParams.append(name, value);
  for (const [name, value] of Object.entries(labels))
    if (name.startsWith("__param_") && value !== "") url.searchParams.append(name.slice("__param_".length), value);
  return url;
}

/** FNV-1a, so that a target keeps its place in the interval over restarts and between agents. */
export function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}
