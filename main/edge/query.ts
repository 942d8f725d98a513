import { connect } from "./client.ts";
import type { Command } from "./commands.ts";
import { dataDirOf } from "./data-dir.ts";
import { localTime, table } from "./table.ts";
import { DATA_DIR_OPTION, DONE, expectPositionals, JSON_OPTION, parseCommand, UsageError } from "./usage.ts";

const HELP = `Usage: alluse query EXPR [options]

Asks the running agent in PromQL: at one instant, or over a range.

  --time T      the instant (default: now)
  --from T      a range from here
  --to T        to here (default: now)
  --step S      between two points, in seconds or like 1m30s (default: a hundredth of the range, at least 1 s)
  --data-dir D  the agent's data folder (default: the platform's)
  --json        the API's answer

A time is Unix seconds, RFC 3339 (2026-11-22T16:00:00Z), now, or now-15m with one unit of s, m, h, d, w.
An expression that begins with a dash goes after --: alluse query -- '-node_load1'
`;

/** As many points as a terminal shows at once. */
const DEFAULT_POINTS = 100;
const UNIT_S: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };

interface QueryResponse {
  readonly data: QueryData;
  readonly warnings?: readonly string[];
  readonly infos?: readonly string[];
}
type Point = readonly [number, string];
type Metric = Readonly<Record<string, string>>;
type QueryData =
  | { readonly resultType: "vector"; readonly result: readonly { metric: Metric; value: Point }[] }
  | { readonly resultType: "matrix"; readonly result: readonly { metric: Metric; values: readonly Point[] }[] }
  | { readonly resultType: "scalar" | "string"; readonly result: Point };

export const query: Command = {
  help: HELP,
  async run(args) {
    const { values, positionals } = parseCommand(args, {
      ...DATA_DIR_OPTION,
      ...JSON_OPTION,
      time: { type: "string" },
      from: { type: "string" },
      to: { type: "string" },
      step: { type: "string" },
    });
    expectPositionals(positionals, ["The expression"]);
    const { path, parameters } = requestOf(positionals[0], values, Date.now());
    const agent = await connect(dataDirOf(values["data-dir"]));
    const response = await agent.post<QueryResponse>(path, parameters);
    for (const warning of response.warnings ?? []) process.stderr.write(`warning: ${warning}\n`);
    for (const info of response.infos ?? []) process.stderr.write(`info: ${info}\n`);
    process.stdout.write(values.json ? `${JSON.stringify(response, null, 2)}\n` : show(response.data));
    return DONE;
  },
};

interface TimeOptions {
  readonly time?: string | undefined;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly step?: string | undefined;
}

/** Throws UsageError for options that do not go together and for times that are none. */
export function requestOf(
  expr: string,
  options: TimeOptions,
  nowMs: number,
): { path: string; parameters: Record<string, string> } {
  const { time, from, to, step } = options;
  if (from === undefined) {
    if (to !== undefined || step !== undefined) throw new UsageError("--to and --step need --from.");
    return {
      path: "/api/v1/query",
      parameters: { query: expr, ...(time !== undefined && { time: unixSeconds("--time", time, nowMs) }) },
    };
  }
  if (time !== undefined) throw new UsageError("--time is for one instant, --from for a range: give one of them.");
  const start = unixSeconds("--from", from, nowMs);
  const end = unixSeconds("--to", to ?? "now", nowMs);
  if (Number(end) < Number(start)) throw new UsageError("--to must not be before --from.");
  const defaultStep = Math.max(1, Math.round((Number(end) - Number(start)) / DEFAULT_POINTS));
  return { path: "/api/v1/query_range", parameters: { query: expr, start, end, step: step ?? String(defaultStep) } };
}

function unixSeconds(option: string, text: string, nowMs: number): string {
  const relative = /^now(?:-(\d+)([smhdw]))?$/.exec(text);
  if (relative !== null) return String(nowMs / 1000 - Number(relative[1] ?? 0) * (UNIT_S[relative[2]] ?? 0));
  if (/^-?\d+(\.\d+)?$/.test(text)) return text;
  const ms = /^\d{4}-\d\d-\d\dT.*(Z|[+-]\d\d:\d\d)$/i.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(ms)) throw new UsageError(`${option} is not a time: ${JSON.stringify(text)}.`);
  return String(ms / 1000);
}

function show(data: QueryData): string {
  switch (data.resultType) {
    case "vector":
      if (data.result.length === 0) return "no data\n";
      return table(
        ["SERIES", "VALUE"],
        data.result.map(({ metric, value }) => [seriesText(metric), value[1]]),
      );
    case "matrix":
      if (data.result.length === 0) return "no data\n";
      return data.result
        .map(
          ({ metric, values }) =>
            `${seriesText(metric)}\n${values.map(([time, value]) => `  ${localTime(time * 1000)}  ${value}\n`).join("")}`,
        )
        .join("");
    default:
      return `${data.result[1]}\n`;
  }
}

/** As one would write it in PromQL. */
function seriesText(metric: Metric): string {
  const { __name__: name = "", ...labels } = metric;
  const pairs = Object.entries(labels).map(([label, value]) => `${label}=${JSON.stringify(value)}`);
  return pairs.length === 0 && name !== "" ? name : `${name}{${pairs.join(",")}}`;
}
