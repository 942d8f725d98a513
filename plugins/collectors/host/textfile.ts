import fs from "node:fs";
import { ExpositionParser, type MetricType, SERIES_REFUSED, type SeriesId, type TextSeries } from "all-use-agent/sdk";
import type { Columns } from "./columns.ts";
import type { Facts, Group } from "./group.ts";

/** Files read at most, and what one of them may hold. */
const FILES_MAX = 100;
const FILE_MAX_BYTES = 4 * 2 ** 20;

const TYPES = new Set<string>(["gauge", "counter", "histogram", "summary"] satisfies MetricType[]);

interface Text {
  readonly mtimeMs: number;
  readonly size: number;
  readonly parser: ExpositionParser;
  readonly mtimeId: SeriesId;
  ids: Uint32Array;
  values: Float64Array;
  broken: boolean;
}

/**
 * Files `*.prom` that other programs put into a folder, in Prometheus' text format: read again when they have changed. Times that they
 * give are not used; a file that cannot be read whole gives nothing, as with node exporter.
 */
export class TextfileGroup implements Group {
  readonly name = "textfile";
  readonly pace = "slow";
  private readonly facts: Facts;
  private readonly folder: string;
  private readonly errorId: SeriesId;
  private readonly texts = new Map<string, Text>();

  constructor(facts: Facts) {
    this.facts = facts;
    this.folder = facts.config.textfile_directory;
    this.errorId = facts.series("node_textfile_scrape_error");
  }

  read(out: Columns): void {
    const names = fs.readdirSync(this.folder).filter((name) => name.endsWith(".prom"));
    let broken = names.length > FILES_MAX;
    for (const name of names.sort().slice(0, FILES_MAX)) {
      const path = `${this.folder}/${name}`;
      const text = this.look(path);
      if (text === null || text.broken) {
        broken = true;
        continue;
      }
      out.push(text.mtimeId, Math.floor(text.mtimeMs / 1000));
      for (let i = 0; i < text.ids.length; i++) out.push(text.ids[i], text.values[i]);
    }
    for (const path of this.texts.keys()) if (!names.includes(path.slice(this.folder.length + 1))) this.texts.delete(path);
    out.push(this.errorId, broken ? 1 : 0);
  }

  close(): void {
    this.texts.clear();
  }

  private look(path: string): Text | null {
    try {
      const { mtimeMs, size } = fs.statSync(path);
      const known = this.texts.get(path);
      if (known?.mtimeMs === mtimeMs && known.size === size) return known;
      const text: Text = {
        mtimeMs,
        size,
        parser: known?.parser ?? new ExpositionParser({ format: "prometheus", define: (series) => this.define(series, path) }),
        mtimeId: this.facts.series("node_textfile_mtime_seconds", { file: path }),
        ids: new Uint32Array(0),
        values: new Float64Array(0),
        broken: size > FILE_MAX_BYTES,
      };
      this.texts.set(path, text);
      if (!text.broken) this.parse(text, path);
      return text;
    } catch {
      return null;
    }
  }

  private parse(text: Text, path: string): void {
    text.parser.push(fs.readFileSync(path, "utf8"));
    const { batch, faultCount, refused } = text.parser.end();
    text.broken = faultCount > 0 || refused > 0;
    text.ids = batch.series.slice(0, batch.length);
    text.values = batch.values.slice(0, batch.length);
  }

  private define({ name, labels, family }: TextSeries, path: string): number {
    const type = TYPES.has(family?.type ?? "") ? (family!.type as MetricType) : "gauge";
    try {
      const help = family?.help || `Metric read from ${path}`;
      return this.facts.series(name, labels, family?.unit ? { type, help, unit: family.unit } : { type, help });
    } catch {
      return SERIES_REFUSED;
    }
  }
}
