const METRIC_NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const LABEL_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;
/** Told apart from Prometheus' own labels, which a series keeps to itself. */
const RESERVED = "__";

/**
 * A metric name in the classic alphabet. One that is outside of it is escaped without loss as Prometheus does for clients that
 * do not know UTF-8 names: `U__` before it, `_` doubled, everything else as `_hex_`. Source: prometheus/common, model/metric.go.
 */
export function metricName(name: string): string {
  return METRIC_NAME.test(name) ? name : escaped(name, true);
}

/** The same for a label's name. Names that begin with two underscores are the agent's: they are escaped, too. */
export function labelName(name: string): string {
  return LABEL_NAME.test(name) && !name.startsWith(RESERVED) ? name : escaped(name, false);
}

function escaped(name: string, colon: boolean): string {
  let text = "U__";
  let first = true;
  for (const character of name) {
    if (character === "_") text += "__";
    else if (/[a-zA-Z]/.test(character) || (!first && /[0-9]/.test(character)) || (colon && character === ":")) text += character;
    else text += `_${character.codePointAt(0)!.toString(16)}_`;
    first = false;
  }
  return text;
}
