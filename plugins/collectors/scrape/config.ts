import type { RelabelConfig } from "all-use-agent/sdk";

/** One entry of `jobs`, its defaults filled in; the words are Prometheus' own. */
export interface JobConfig {
  job_name: string;
  targets: string[];
  labels: Record<string, string>;
  service_lists: string[];
  scrape_interval_ms: number;
  scrape_timeout_ms: number;
  metrics_path: string;
  scheme: "http" | "https";
  params: Record<string, string[]>;
  honor_labels: boolean;
  honor_timestamps: boolean;
  username?: string;
  password?: string;
  bearer_token?: string;
  insecure_skip_verify: boolean;
  relabel: RelabelConfig[];
  metric_relabel: RelabelConfig[];
  sample_limit: number;
  label_limit: number;
  label_name_length_limit: number;
  label_value_length_limit: number;
  body_size_limit_bytes: number;
}

export interface ScrapeConfig {
  jobs: JobConfig[];
}
