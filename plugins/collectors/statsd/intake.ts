import type { Labels } from "all-use-agent/sdk";
import { CounterEntry, DistributionEntry, type Entry, GaugeEntry, SetEntry } from "./entry.ts";
import { type LineFault, parseLine, type StatsdLine, type StatsdType } from "./line.ts";

export interface IntakeLimits {
  readonly prefix: string;
  readonly maxSeries: number;
}

const TAGS_MAX = 30;
const LABEL_MAX_CHARACTERS = 200;
/** The same names and tags come again and again: so many texts are looked up instead of read. */
const KEYS_MAX = 20_000;
const MILLISECOND_S = 0.001;

/** What came since the start, by name and tags. */
export class Intake {
  samples = 0;
  invalid = 0;
  droppedSeries = 0;
  /** The last line that could not be read, and why. */
  fault: string | null = null;
  private readonly limits: IntakeLimits;
  private readonly entries = new Map<string, Entry>();
  private readonly byText = new Map<string, Entry>();

  constructor(limits: IntakeLimits) {
    this.limits = limits;
  }

  get all(): Iterable<Entry> {
    return this.entries.values();
  }

  get size(): number {
    return this.entries.size;
  }

  /** Takes a packet: one line or several. */
  packet(text: string, nowMs: number): void {
    let start = 0;
    for (let end = text.indexOf("\n"); start < text.length; end = text.indexOf("\n", start)) {
      const line = text.slice(start, end < 0 ? text.length : end).trim();
      start = end < 0 ? text.length : end + 1;
      if (line !== "") this.line(line, nowMs);
    }
  }

  /** Leaves what was not heard of since. */
  forget(sinceMs: number): void {
    for (const [key, entry] of this.entries) if (entry.heardMs < sinceMs) this.entries.delete(key);
    this.byText.clear();
  }

  private line(text: string, nowMs: number): void {
    const line = parseLine(text);
    if ("fault" in line) return this.refuse(line, text);
    const entry = this.entryOf(line);
    if (entry === null) {
      this.droppedSeries++;
      return;
    }
    entry.heardMs = nowMs;
    entry.take(line);
    this.samples += line.values.length;
  }

  private refuse({ fault, column }: LineFault, text: string): void {
    this.invalid++;
    this.fault = `${fault} at character ${column} of ${JSON.stringify(text.slice(0, 80))}`;
  }

  private entryOf(line: StatsdLine): Entry | null {
    const text = `${line.type}|${line.name}|${line.tags.join(",")}`;
    const known = this.byText.get(text);
    if (known !== undefined) return known;
    const name = metricName(this.limits.prefix, line.name, line.type);
    const labels = labelsOf(line.tags);
    const key = `${line.type}|${name}|${JSON.stringify(labels)}`;
    let entry = this.entries.get(key);
    if (entry === undefined) {
      if (this.entries.size >= this.limits.maxSeries) return null;
      entry = made(line.type, name, labels);
      this.entries.set(key, entry);
    }
    if (this.byText.size >= KEYS_MAX) this.byText.clear();
    this.byText.set(text, entry);
    return entry;
  }
}

function made(type: StatsdType, name: string, labels: Labels): Entry {
  if (type === "counter") return new CounterEntry(name, labels);
  if (type === "gauge") return new GaugeEntry(name, labels);
  if (type === "set") return new SetEntry(name, labels);
  return new DistributionEntry(name, labels, type === "timer" ? MILLISECOND_S : 1);
}

/** `api.requests` of a counter is `api_requests_total`; a timer's milliseconds become `…_seconds`. */
function metricName(prefix: string, name: string, type: StatsdType): string {
  const plain = prefix + name.replace(/[^a-zA-Z0-9_:]/g, "_");
  const valid = /^[a-zA-Z_:]/.test(plain) ? plain : `_${plain}`;
  if (type === "counter") return valid.endsWith("_total") ? valid : `${valid}_total`;
  if (type !== "timer" || valid.endsWith("_seconds")) return valid;
  return `${valid.replace(/_(?:ms|millis|milliseconds)$/, "")}_seconds`;
}

/** Sorted, so that the order of tags makes no other series. A bare tag is `tag="true"`. */
function labelsOf(tags: readonly string[]): Labels {
  const labels: Record<string, string> = {};
  for (const tag of tags.slice(0, TAGS_MAX).sort((a, b) => (a < b ? -1 : 1))) {
    const colon = tag.indexOf(":");
    const key = colon < 0 ? tag : tag.slice(0, colon);
    if (key === "") continue;
    // Labels that begin with two underscores are Prometheus' own.
    const plain = key.replace(/[^a-zA-Z0-9_]/g, "_").replace(/^_+/, "_");
    const label = /^\d/.test(plain) ? `_${plain}` : plain;
    labels[label] = colon < 0 ? "true" : tag.slice(colon + 1, colon + 1 + LABEL_MAX_CHARACTERS);
  }
  return labels;
}
