export interface PatternSettings {
  readonly name: string;
  readonly match: string;
  readonly labels: readonly string[];
  readonly value?: string;
  readonly event: boolean;
}

export interface JournalSettings {
  readonly units: readonly string[];
  readonly priority: string;
  readonly directory?: string;
}

export interface SourceSettings {
  readonly name: string;
  readonly files?: readonly string[];
  readonly journal?: JournalSettings;
  readonly from: "end" | "beginning";
  readonly record_start?: string;
  readonly templates: boolean;
  readonly patterns: readonly PatternSettings[];
}

export interface LogsConfig {
  readonly interval_ms: number;
  readonly sources: readonly SourceSettings[];
}
