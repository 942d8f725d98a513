import { AgentError, type Labels } from "all-use-agent/sdk";
import { labelName, metricName } from "./escape-name.ts";

const NAME = "__name__";

export interface LabelLimits {
  readonly maxLabels: number;
  readonly maxLabelBytes: number;
}

/** Who a series is. */
export interface Identity {
  readonly name: string;
  readonly labels: Labels;
}

/**
 * A series by the labels that its sender wrote, names and values by turns, in any order. Throws `label_invalid` with the reason
 * when they make none: a label that stands twice or has no name, no `__name__`, too many or too long.
 */
export function identityOf(texts: readonly string[], { maxLabels, maxLabelBytes }: LabelLimits): Identity {
  if (texts.length > 2 * maxLabels)
    throw refusal(`it has ${texts.length / 2} labels; at most ${maxLabels} are taken (max_labels)`);
  const labels: Record<string, string> = {};
  const seen = new Set<string>();
  let name = "";
  for (let i = 0; i < texts.length; i += 2) {
    const label = texts[i];
    const value = texts[i + 1];
    if (seen.has(label)) throw refusal(`its label ${shown(label)} stands twice`);
    seen.add(label);
    if (label === "") throw refusal("it has a label without a name");
    if (Buffer.byteLength(label) + Buffer.byteLength(value) > maxLabelBytes)
      throw refusal(`its label ${shown(label)} is longer than the ${maxLabelBytes} bytes that are taken (max_label_bytes)`);
    if (label === NAME) name = value;
    // An empty label is no label.
    else if (value !== "") labels[labelName(label)] = value;
  }
  if (name === "") throw refusal(`its label ${NAME} is missing`);
  return { name: metricName(name), labels };
}

function refusal(what: string): AgentError {
  return new AgentError("label_invalid", what);
}

function shown(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 57)}...` : text);
}
