import { AgentError, compileRegex, errorText, type Labels, type Regex } from "all-use-agent/sdk";

/** As in Prometheus' configuration; what is absent has Prometheus' default. */
export interface RelabelRule {
  readonly source_labels?: readonly string[];
  readonly separator?: string;
  readonly regex?: string;
  readonly action?: "replace" | "keep" | "drop" | "labelmap" | "labeldrop" | "labelkeep";
  readonly target_label?: string;
  readonly replacement?: string;
}

/** Labels after the rules, or null when a rule drops what they belong to. */
export type Relabel = (labels: Labels) => Labels | null;

type Step = (labels: Record<string, string>) => boolean;

const LABEL_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

/** Makes one function of the rules. Throws `plugin_config_invalid` naming the rule. */
export function relabeler(rules: readonly RelabelRule[], where: string): Relabel {
  const steps = rules.map((rule, i) => stepOf(rule, `${where}/${i}`));
  return (labels) => {
    if (steps.length === 0) return labels;
    const own = { ...labels };
    for (const step of steps) if (!step(own)) return null;
    for (const [name, value] of Object.entries(own)) if (value === "") delete own[name];
    return own;
  };
}

function stepOf(rule: RelabelRule, where: string): Step {
  const { source_labels: sources = [], separator = ";", action = "replace", target_label: target, replacement = "$1" } = rule;
  const regex = compiled(rule.regex ?? "(.*)", where);
  const source = (labels: Labels): string => sources.map((name) => labels[name] ?? "").join(separator);
  switch (action) {
    case "keep":
      return (labels) => regex.test(source(labels));
    case "drop":
      return (labels) => !regex.test(source(labels));
    case "labeldrop":
    case "labelkeep":
      return (labels) => {
        for (const name of Object.keys(labels)) if (regex.test(name) !== (action === "labelkeep")) delete labels[name];
        return true;
      };
    case "labelmap":
      return (labels) => {
        for (const [name, value] of Object.entries(labels)) {
          const groups = regex.exec(name)?.groups;
          if (groups !== undefined) labels[expanded(replacement, groups)] = value;
        }
        return true;
      };
    default:
      if (target === undefined) throw invalid(where, "target_label is missing");
      return (labels) => {
        const groups = regex.exec(source(labels))?.groups;
        if (groups === undefined) return true;
        const name = expanded(target, groups);
        if (LABEL_NAME.test(name)) labels[name] = expanded(replacement, groups);
        return true;
      };
  }
}

function compiled(source: string, where: string): Regex {
  try {
    return compileRegex(source);
  } catch (error) {
    throw invalid(`${where}/regex`, errorText(error));
  }
}

/** `$1`, `${1}` and `$$`; a group that is not there is nothing. */
function expanded(template: string, groups: readonly (string | undefined)[]): string {
  return template.replace(/\$(?:\$|(\d+)|\{(\d+)\})/g, (all, plain?: string, braced?: string) =>
    all === "$$" ? "$" : (groups[Number(plain ?? braced)] ?? ""),
  );
}

function invalid(where: string, message: string): AgentError {
  return new AgentError("plugin_config_invalid", `${where}: ${message}`, { where });
}
