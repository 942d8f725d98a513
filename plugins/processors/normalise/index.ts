import {
  AgentError,
  compileSelector,
  definePlugin,
  errorText,
  type Labels,
  type Processor,
  SeriesDecisions,
  type SeriesId,
  type SeriesInfo,
} from "all-use-agent/sdk";
import { type Conversion, conversionOf, renamed } from "./units.ts";

export interface RangeRule {
  readonly series: string;
  readonly method: "min_max" | "z_score";
  readonly min?: number;
  readonly max?: number;
  readonly mean?: number;
  readonly stddev?: number;
  readonly suffix: string;
}

export interface NormaliseConfig {
  readonly units: string;
  readonly rename: boolean;
  readonly ranges: readonly RangeRule[];
}

/** What becomes of a series' samples: `value * factor + offset`, in the series `target`. */
interface Change {
  readonly target: SeriesId;
  readonly factor: number;
  readonly offset: number;
}

const PASS = 1;
const FIRST_CHANGE = 2;

export default definePlugin<"processor", NormaliseConfig>("processor", (ctx, config): Processor => {
  const inUnits = config.units === "" ? () => false : compileSelector(config.units);
  const ranges = config.ranges.map((rule, i) => ({ fits: compileSelector(rule.series), rule, ...lineOf(rule, i) }));
  const changes: Change[] = [];
  let warned = false;

  /** In base units. */
  const converted = (id: SeriesId, info: SeriesInfo, conversion: Conversion): Change => {
    const { name, labels, type, help, unit } = info;
    const { base, factor, offset } = conversion;
    const counts = (type === "histogram" && name.endsWith("_bucket")) || (type !== "gauge" && name.endsWith("_count"));
    const line = counts ? { factor: 1, offset: 0 } : { factor, offset };
    if (!config.rename) return { target: id, ...line };
    const target = ctx.series(renamed(name, unit!, base), withBound(labels, conversion), { type, help, unit: base });
    return { target, ...line };
  };

  const changeOf = (id: SeriesId): Change | null => {
    const info = ctx.seriesInfo(id);
    const range = ranges.find(({ fits }) => fits(info));
    if (range) {
      const help = `${info.help} (${range.rule.method === "min_max" ? "0 to 1 of its range" : "in standard deviations"})`;
      const target = ctx.series(info.name + range.rule.suffix, info.labels, { type: "gauge", help });
      return { target, factor: range.factor, offset: range.offset };
    }
    const conversion = conversionOf(info.unit);
    return conversion !== null && inUnits(info) ? converted(id, info, conversion) : null;
  };

  const decisions = new SeriesDecisions((id) => {
    try {
      const change = changeOf(id);
      return change === null ? PASS : FIRST_CHANGE + changes.push(change) - 1;
    } catch (error) {
      if (!warned) ctx.log.warn(`${ctx.seriesInfo(id).name} stays as it is: ${errorText(error)}`);
      warned = true;
      return PASS;
    }
  });

  return {
    process({ series, values, length }) {
      for (let row = 0; row < length; row++) {
        const code = decisions.codes[series[row]] || decisions.of(series[row]);
        if (code === PASS) continue;
        const { target, factor, offset } = changes[code - FIRST_CHANGE];
        series[row] = target;
        // The end of a series stays what it is, bit for bit.
        if (!Number.isNaN(values[row])) values[row] = values[row] * factor + offset;
      }
    },
  };
});

/** Throws `plugin_config_invalid`. */
function lineOf({ method, min, max, mean, stddev }: RangeRule, index: number): { factor: number; offset: number } {
  const where = `/ranges/${index}`;
  if (method === "min_max") {
    if (min === undefined || max === undefined || !(min < max))
      throw new AgentError("plugin_config_invalid", `the range at ${where} needs min and max, min below max`, { where });
    return { factor: 1 / (max - min), offset: -min / (max - min) };
  }
  if (mean === undefined || stddev === undefined)
    throw new AgentError("plugin_config_invalid", `the range at ${where} needs mean and stddev`, { where });
  return { factor: 1 / stddev, offset: -mean / stddev };
}

/** A bucket's upper end is in the unit, too. */
function withBound(labels: Labels, { factor, offset }: Conversion): Labels {
  const bound = Number(labels["le"]);
  if (!Object.hasOwn(labels, "le") || !Number.isFinite(bound)) return labels;
  // 12 digits: 0.3 stays 0.3 when it was 300.
  return { ...labels, le: String(Number((bound * factor + offset).toPrecision(12))) };
}
