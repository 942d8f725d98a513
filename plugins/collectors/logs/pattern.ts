import { AgentError, compileRegex, type Labels, type Regex, RegexSyntaxError } from "all-use-agent/sdk";
import type { PatternSettings } from "./settings.ts";

/** Sets of labels that a pattern may find; the rest is counted under `other`. */
export const LABEL_SETS_MAX = 100;
const LABEL_MAX_CHARACTERS = 100;
/** One line in a megabyte must not hold everything up: what follows is not looked at. */
const LOOK_CHARACTERS = 8192;

export interface Found {
  readonly labels: Labels;
  /** NaN when the pattern has none, or the group holds no number. */
  readonly value: number;
}

const NOTHING: Labels = Object.freeze({});

/** One pattern of a source: finds it in lines, in time linear in the line. */
export class Pattern {
  readonly settings: PatternSettings;
  private readonly regex: Regex;
  private readonly known = new Set<string>();

  /** Throws `log_pattern_invalid`. */
  constructor(source: string, settings: PatternSettings) {
    this.settings = settings;
    const where = `pattern ${settings.name} of source ${source}`;
    try {
      this.regex = compileRegex(`.*?(?:${settings.match}).*`);
    } catch (error) {
      if (!(error instanceof RegexSyntaxError)) throw error;
      throw new AgentError("log_pattern_invalid", `The ${where} is no expression: ${error.message}`, { where: settings.name });
    }
    for (const group of [...settings.labels, ...(settings.value === undefined ? [] : [settings.value])])
      if (!new RegExp(`\\(\\?P?<${group}>`).test(settings.match))
        throw new AgentError("log_pattern_invalid", `The ${where} uses a group ${group}; write it as (?P<${group}>…)`, {
          where: settings.name,
        });
  }

  find(text: string): Found | null {
    const line = text.length > LOOK_CHARACTERS ? text.slice(0, LOOK_CHARACTERS) : text;
    if (!this.regex.test(line)) return null;
    const { labels, value } = this.settings;
    if (labels.length === 0 && value === undefined) return { labels: NOTHING, value: NaN };
    const match = this.regex.exec(line);
    const group = (name: string): string => match?.groups[match.names.get(name) ?? -1] ?? "";
    return {
      labels: this.bounded(Object.fromEntries(labels.map((name) => [name, group(name).slice(0, LABEL_MAX_CHARACTERS)]))),
      value: value === undefined || group(value).trim() === "" ? NaN : Number(group(value)),
    };
  }

  private bounded(labels: Labels): Labels {
    const key = JSON.stringify(labels);
    if (this.known.has(key)) return labels;
    if (this.known.size >= LABEL_SETS_MAX) return Object.fromEntries(Object.keys(labels).map((name) => [name, "other"]));
    this.known.add(key);
    return labels;
  }
}
