import type { Labels, SeriesData } from "all-use-agent/sdk";

/** Labels that describe the metric itself and go where its name goes. */
const METADATA = ["__type__", "__unit__"] as const;

/**
 * The labels of one row of a result, with what is derived from them computed once. Never changed. A label with an empty
 * value is no label.
 */
export class LabelSet {
  readonly name: string;
  /** All labels but the name. */
  readonly rest: Labels;
  private signatureText: string | null = null;
  private full: Labels | null = null;
  /** The name (with type and unit) is only there for label functions to see; it goes when the query ends. */
  readonly leaving: boolean;
  private nameless: LabelSet | null = null;
  private marked: LabelSet | null = null;
  private hasMetadata: boolean | null = null;

  constructor(name: string, rest: Labels, leaving = false) {
    this.name = name;
    this.rest = rest;
    this.leaving = leaving;
  }

  get(label: string): string {
    if (label === "__name__") return this.name;
    const value = this.rest[label];
    return typeof value === "string" ? value : "";
  }

  /** Equal for equal labels, the name aside. */
  signature(): string {
    if (this.signatureText === null) {
      const { rest } = this;
      const names = Object.keys(rest);
      if (names.length > 1) names.sort();
      let text = "";
      for (const name of names) {
        const value = rest[name];
        if (value !== "") text += `${name}\xff${value}\xff`;
      }
      this.signatureText = text;
    }
    return this.signatureText;
  }

  /** Equal for equal label sets, the name included. */
  key(): string {
    return `${this.name}\xfe${this.signature()}`;
  }

  /** The values of `labels` in that order. */
  valuesOf(labels: readonly string[]): string {
    if (labels.length === 1) return this.get(labels[0]);
    let text = "";
    for (const label of labels) text += `${this.get(label)}\xff`;
    return text;
  }

  /** Name, values and names of all labels but `labels` (and the metric name), as one text. */
  signatureWithout(labels: readonly string[]): string {
    if (labels.length === 0) return this.signature();
    const { rest } = this;
    let text = "";
    for (const name of Object.keys(rest).sort()) {
      const value = rest[name];
      if (value !== "" && !labels.includes(name)) text += `${name}\xff${value}\xff`;
    }
    return text;
  }

  /** Without the metric's name, type and unit. */
  withoutName(): LabelSet {
    if (this.nameless === null) {
      this.nameless =
        this.name === "" && !this.metadata() ? this : new LabelSet("", this.metadata() ? omit(this.rest, METADATA) : this.rest);
    }
    return this.nameless;
  }

  /** With a name that is to go when the query ends. */
  withLeavingName(): LabelSet {
    if (this.marked === null) this.marked = this.leaving ? this : new LabelSet(this.name, this.rest, true);
    return this.marked;
  }

  /** Whether it carries labels that go with the name. */
  metadata(): boolean {
    this.hasMetadata ??= METADATA.some((label) => this.get(label) !== "");
    return this.hasMetadata;
  }

  /** With only `labels`. */
  keep(labels: readonly string[]): LabelSet {
    const rest: Record<string, string> = {};
    let name = "";
    for (const label of labels) {
      const value = this.get(label);
      if (label === "__name__") name = value;
      else if (value !== "") rest[label] = value;
    }
    return new LabelSet(name, rest, this.leaving);
  }

  /** Without `labels`; `__name__` among them means the name. */
  drop(labels: readonly string[]): LabelSet {
    return new LabelSet(labels.includes("__name__") ? "" : this.name, omit(this.rest, labels), this.leaving);
  }

  /** With one label set; an empty value removes it. */
  with(label: string, value: string): LabelSet {
    if (label === "__name__") return new LabelSet(value, this.rest);
    const rest: Record<string, string> = { ...this.rest };
    if (value === "") delete rest[label];
    else rest[label] = value;
    return new LabelSet(this.name, rest, this.leaving);
  }

  /** As outsiders see it: sorted, the name as `__name__`. */
  labels(): Labels {
    if (this.full === null) {
      const full: Record<string, string> = {};
      const names = Object.keys(this.rest);
      if (this.name !== "") names.push("__name__");
      for (const name of names.sort()) {
        const value = this.get(name);
        if (value !== "") full[name] = value;
      }
      this.full = full;
    }
    return this.full;
  }

  /** `name{a="b"}`, for messages. */
  text(): string {
    const names = Object.keys(this.rest).sort();
    return `${this.name}{${names.map((name) => `${name}=${JSON.stringify(this.rest[name])}`).join(", ")}}`;
  }
}

function omit(labels: Labels, names: readonly string[]): Labels {
  const rest: Record<string, string> = {};
  for (const name of Object.keys(labels)) if (!names.includes(name)) rest[name] = labels[name]!;
  return rest;
}

export const NO_LABELS = new LabelSet("", {});

/** Stores hand out the same label object for the same series again and again: what was derived from it is kept along. */
const known = new WeakMap<Labels, LabelSet>();

export function labelSetOf(series: SeriesData): LabelSet {
  let set = known.get(series.labels);
  if (set === undefined || set.name !== series.name) {
    set = new LabelSet(series.name, series.labels);
    known.set(series.labels, set);
  }
  return set;
}

/** A text for each set whose order is Prometheus' order of label sets: by label name, then value, pair by pair. */
function orderText(set: LabelSet): string {
  const labels = set.labels();
  let text = "";
  for (const name of Object.keys(labels)) text += `${name}\0${labels[name]}\0`;
  return text;
}

export function compareLabels(a: LabelSet, b: LabelSet): number {
  const left = orderText(a);
  const right = orderText(b);
  return left < right ? -1 : left === right ? 0 : 1;
}

/** The indices of the sets in Prometheus' order. */
export function orderOf(sets: readonly LabelSet[]): number[] {
  const order = sets.map((_, r) => r);
  if (order.length < 2) return order;
  const texts = sets.map(orderText);
  return order.sort((a, b) => (texts[a] < texts[b] ? -1 : texts[a] === texts[b] ? 0 : 1));
}
