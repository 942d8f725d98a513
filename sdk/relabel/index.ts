import { createHash } from "node:crypto";
import { AgentError, errorText } from "../errors.ts";
import { compileRegex, type Regex, type RegexMatch } from "../regex/index.ts";
import { compileTemplate } from "./template.ts";

/** A rule in Prometheus' words, with its defaults for what is absent: https://prometheus.io/docs/prometheus/latest/configuration/configuration/#relabel_config */
export interface RelabelConfig {
  readonly source_labels?: readonly string[];
  readonly separator?: string;
  readonly regex?: string;
  readonly modulus?: number;
  readonly target_label?: string;
  readonly replacement?: string;
  readonly action?:
    | "replace"
    | "keep"
    | "drop"
    | "keepequal"
    | "dropequal"
    | "hashmod"
    | "labelmap"
    | "labeldrop"
    | "labelkeep"
    | "lowercase"
    | "uppercase";
}

/** A series' labels by name, `__name__` among them. No label is empty. */
export type LabelSet = Map<string, string>;

/** Changes the labels; false drops the series. */
export type Relabeling = (labels: LabelSet) => boolean;

const LABEL_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

/** The rules one after the other, until one drops the series. Throws `relabel_invalid` with the rule below `where`. */
export function compileRelabeling(configs: readonly RelabelConfig[], where = "/relabel_configs"): Relabeling {
  const rules = configs.map((config, i) => compileRule(config, `${where}/${i}`));
  return (labels) => rules.every((rule) => rule(labels));
}

function compileRule(config: RelabelConfig, where: string): Relabeling {
  const {
    action = "replace",
    separator = ";",
    source_labels: sources = [],
    replacement = "$1",
    modulus,
    target_label: target,
  } = config;
  const regex = regexOf(config.regex ?? "(.*)", where);
  const joined = (labels: LabelSet): string => sources.map((name) => labels.get(name) ?? "").join(separator);
  const targetOf = (): string => {
    if (target !== undefined && target !== "") return target;
    throw fault(where, `${action} needs target_label`);
  };
  switch (action) {
    case "keep":
      return (labels) => regex.test(joined(labels));
    case "drop":
      return (labels) => !regex.test(joined(labels));
    case "keepequal":
      return equal(targetOf(), joined, true);
    case "dropequal":
      return equal(targetOf(), joined, false);
    case "replace":
      return replace(regex, targetOf(), replacement, joined);
    case "hashmod": {
      if (modulus === undefined) throw fault(where, "hashmod needs modulus");
      return setter(targetOf(), where, (labels) => hashMod(joined(labels), modulus));
    }
    case "lowercase":
      return setter(targetOf(), where, (labels) => joined(labels).toLowerCase());
    case "uppercase":
      return setter(targetOf(), where, (labels) => joined(labels).toUpperCase());
    case "labelmap":
      return labelMap(regex, replacement);
    case "labeldrop":
      return dropLabels((name) => regex.test(name));
    case "labelkeep":
      return dropLabels((name) => !regex.test(name));
    default:
      throw fault(where, `there is no action ${String(action)}`);
  }
}

function equal(target: string, joined: (labels: LabelSet) => string, wanted: boolean): Relabeling {
  return (labels) => ((labels.get(target) ?? "") === joined(labels)) === wanted;
}

function replace(regex: Regex, target: string, replacement: string, joined: (labels: LabelSet) => string): Relabeling {
  const targetOf = compileTemplate(target);
  const valueOf = compileTemplate(replacement);
  return (labels) => {
    const match = regex.exec(joined(labels));
    if (match === null) return true;
    const name = targetOf(match);
    if (LABEL_NAME.test(name)) set(labels, name, valueOf(match));
    return true;
  };
}

function setter(target: string, where: string, valueOf: (labels: LabelSet) => string): Relabeling {
  if (!LABEL_NAME.test(target)) throw fault(where, `${JSON.stringify(target)} is no name of a label`);
  return (labels) => {
    set(labels, target, valueOf(labels));
    return true;
  };
}

function labelMap(regex: Regex, replacement: string): Relabeling {
  const nameOf = compileTemplate(replacement);
  return (labels) => {
    for (const [name, value] of Array.from(labels)) {
      const match: RegexMatch | null = regex.exec(name);
      const mapped = match === null ? "" : nameOf(match);
      if (LABEL_NAME.test(mapped)) set(labels, mapped, value);
    }
    return true;
  };
}

function dropLabels(dropped: (name: string) => boolean): Relabeling {
  return (labels) => {
    for (const name of labels.keys()) if (dropped(name)) labels.delete(name);
    return true;
  };
}

function set(labels: LabelSet, name: string, value: string): void {
  if (value === "") labels.delete(name);
  else labels.set(name, value);
}

/** As Prometheus hashes: the last eight bytes of the MD5 sum, most significant first. */
function hashMod(text: string, modulus: number): string {
  const sum = createHash("md5").update(text).digest();
  return (sum.readBigUInt64BE(8) % BigInt(modulus)).toString();
}

function regexOf(pattern: string, where: string): Regex {
  try {
    return compileRegex(pattern);
  } catch (error) {
    throw fault(where, `its regex cannot be read: ${errorText(error)}`);
  }
}

function fault(where: string, what: string): AgentError {
  return new AgentError("relabel_invalid", `the rule at ${where} cannot be applied: ${what}`, { where });
}
