import type { Matcher } from "all-use-agent/sdk";
import type { SelectorNode } from "../ast.ts";
import { executionError } from "../errors.ts";
import type { LabelSet } from "../labels.ts";
import { compileRegex } from "all-use-agent/sdk";
import { compact, joinEqual, type Vector } from "../value.ts";
import { argument, type Call, type FunctionSpec } from "./spec.ts";

/** What ties a series to its info series. */
const IDENTIFYING = ["instance", "job"];

function matches(matcher: Matcher, value: string): boolean {
  switch (matcher.op) {
    case "=":
      return value === matcher.value;
    case "!=":
      return value !== matcher.value;
    case "=~":
      return compileRegex(matcher.value).test(value);
    default:
      return !compileRegex(matcher.value).test(value);
  }
}

interface InfoRequest {
  readonly nameMatchers: readonly Matcher[];
  /** Which labels to add; empty means all. */
  readonly dataMatchers: readonly Matcher[];
}

function requestOf(call: Call): InfoRequest {
  const selector = call.node.args[1] as SelectorNode | undefined;
  const all = selector?.matchers ?? [];
  const names = all.filter((matcher) => matcher.label === "__name__");
  return {
    nameMatchers: names.length > 0 ? names : [{ label: "__name__", op: "=", value: "target_info" }],
    dataMatchers: all.filter((matcher) => matcher.label !== "__name__"),
  };
}

/** An info series at each step, and when its sample was taken: of several, the newest counts. */
interface InfoRow {
  readonly set: LabelSet;
  readonly row: number;
}

/**
 * `info(v, {…})`: adds to each series the data labels of the info series with the same instance and job. Series that
 * are info series themselves stay as they are.
 */
async function info(call: Call): Promise<Vector> {
  const base = await call.run.vector(argument(call, 0), call.grid);
  const request = requestOf(call);
  const isInfo = base.sets.map((set) => request.nameMatchers.every((matcher) => matches(matcher, set.name)));
  const wanted = base.sets.some((set, r) => !isInfo[r] && IDENTIFYING.some((label) => set.get(label) !== ""));
  const infos = wanted
    ? await call.run.infoSeries([...request.nameMatchers, ...request.dataMatchers], argument(call, 0), call.grid)
    : null;
  const { steps, values } = base;
  const byKey = infosByKey(infos);
  const allowEmpty = request.dataMatchers.every((matcher) => matches(matcher, ""));
  const sets: LabelSet[] = [];
  const columns: { from: number; present: Uint8Array }[] = [];
  const has = (row: number, step: number): boolean => base.present === null || base.present[row * steps + step] === 1;

  for (let r = 0; r < base.sets.length; r++) {
    const set = base.sets[r];
    const variants = new Map<string, { set: LabelSet; present: Uint8Array }>();
    for (let i = 0; i < steps; i++) {
      if (!has(r, i)) continue;
      let enriched: LabelSet | null = set;
      if (!isInfo[r]) {
        const found = newestInfos(infos, byKey.get(set.valuesOf(IDENTIFYING)) ?? [], i);
        enriched = found.length === 0 ? (allowEmpty ? set : null) : enrich(set, found, request.dataMatchers);
      }
      if (enriched === null) continue;
      const key = enriched.key();
      let variant = variants.get(key);
      if (variant === undefined) variants.set(key, (variant = { set: enriched, present: new Uint8Array(steps) }));
      variant.present[i] = 1;
    }
    for (const variant of variants.values()) {
      sets.push(variant.set);
      columns.push({ from: r * steps, present: variant.present });
    }
    if (call.run.budget.spend(steps * 100)) await call.run.budget.pause();
  }
  const result = new Float64Array(sets.length * steps);
  const present = new Uint8Array(sets.length * steps);
  columns.forEach((column, r) => {
    result.set(values.subarray(column.from, column.from + steps), r * steps);
    present.set(column.present, r * steps);
  });
  return joinEqual(compact({ kind: "vector", sets, steps, values: result, present }));
}

function infosByKey(infos: Vector | null): Map<string, InfoRow[]> {
  const byKey = new Map<string, InfoRow[]>();
  infos?.sets.forEach((set, row) => {
    const key = set.valuesOf(IDENTIFYING);
    const rows = byKey.get(key);
    if (rows === undefined) byKey.set(key, [{ set, row }]);
    else rows.push({ set, row });
  });
  return byKey;
}

/** One info series a metric name: the one sampled last. Values of `infos` are sample times. Throws on a tie. */
function newestInfos(infos: Vector | null, rows: readonly InfoRow[], step: number): LabelSet[] {
  const newest = new Map<string, { set: LabelSet; time: number }>();
  for (const { set, row } of rows) {
    const k = row * infos!.steps + step;
    if (infos!.present !== null && infos!.present[k] === 0) continue;
    const time = infos!.values[k];
    const other = newest.get(set.name);
    if (other !== undefined && other.time === time) {
      throw executionError(
        `found duplicate series for info metric: existing ${other.set.text()} @ ${time * 1000}, new ${set.text()} @ ${time * 1000}`,
      );
    }
    if (other === undefined || other.time < time) newest.set(set.name, { set, time });
  }
  return [...newest.values()].map(({ set }) => set);
}

function enrich(set: LabelSet, infos: readonly LabelSet[], dataMatchers: readonly Matcher[]): LabelSet {
  const added = new Map<string, string>();
  for (const info of infos) {
    for (const [label, value] of Object.entries(info.rest)) {
      if (dataMatchers.length > 0 && !dataMatchers.some((matcher) => matcher.label === label)) continue;
      const other = added.get(label);
      if (other !== undefined && other !== value) throw executionError(`conflicting label: ${label}`);
      if (set.get(label) === "") added.set(label, value);
    }
  }
  let result = set;
  for (const [label, value] of added) result = result.with(label, value);
  return result;
}

export const infoFunctions: readonly FunctionSpec[] = [
  { name: "info", args: ["vector", "vector"], variadic: 1, returns: "vector", evaluate: info },
];
