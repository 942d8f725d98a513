import { compileExpression, compileSelector, type SeriesInfo } from "all-use-agent/sdk";

export interface ValueRule {
  readonly series: string;
  readonly scale: number;
  readonly offset: number;
  readonly expression?: string;
  readonly clamp_min?: number;
  readonly clamp_max?: number;
  readonly unit?: string;
}

export interface Arithmetic {
  readonly fits: (info: SeriesInfo) => boolean;
  readonly of: (value: number) => number;
  readonly unit: string | undefined;
}

/** Scaled, moved, put through the expression, clamped. Throws `selector_invalid`, `expression_invalid`. */
export function compileArithmetic(rule: ValueRule): Arithmetic {
  const { scale, offset, clamp_min: least = -Infinity, clamp_max: most = Infinity, unit } = rule;
  const expression = rule.expression === undefined ? null : compileExpression(rule.expression, ["value"]);
  const given = new Float64Array(1);
  return {
    fits: compileSelector(rule.series),
    unit,
    of: (value) => {
      given[0] = value * scale + offset;
      const result = expression === null ? given[0] : expression(given);
      return result < least ? least : result > most ? most : result;
    },
  };
}
