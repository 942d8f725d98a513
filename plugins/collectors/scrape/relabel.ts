import { compileRelabeling, type Labels, type RelabelConfig } from "all-use-agent/sdk";

/** Labels after the rules, or null when a rule drops what they belong to. */
export type Relabel = (labels: Labels) => Labels | null;

/** Makes one function of the rules. Throws `relabel_invalid` with the rule below `where`. */
export function relabeler(rules: readonly RelabelConfig[], where: string): Relabel {
  const relabel = compileRelabeling(rules, where);
  return (labels) => {
    if (rules.length === 0) return labels;
    const own = new Map(Object.entries(labels));
    return relabel(own) ? Object.fromEntries(own) : null;
  };
}
