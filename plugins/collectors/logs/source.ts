import { type Batch, errorText, type Labels, type PluginContext } from "all-use-agent/sdk";
import { expandGlob, FILES_MAX } from "./glob.ts";
import { Journal } from "./journal.ts";
import { type Level, levelOf, LEVELS } from "./level.ts";
import { LineSplitter } from "./line-splitter.ts";
import { lineTime } from "./line-time.ts";
import { Pattern } from "./pattern.ts";
import type { SourceSettings } from "./settings.ts";
import { shapeOf } from "./shape.ts";
import { Tail, type TailState } from "./tail.ts";
import { type KeptTally, Tallies } from "./tallies.ts";

/** What of a source goes on after a restart. */
export interface KeptSource {
  readonly tallies: readonly KeptTally[];
  readonly tails: Readonly<Record<string, TailState>>;
  readonly cursor: string | null;
  readonly shapes: readonly string[];
}

/** A source reads at most this a tick; the rest waits in its files. */
const TICK_BYTES_MAX = 1024 * 1024;
const EVENTS_PER_SECOND_MAX = 200;
const SHAPES_MAX = 100;
const UNITS_MAX = 200;
/** New files are looked for once in so many ticks. */
const LOOK_TICKS = 10;
/** After a restart, counts are told when what was written meanwhile has been counted, at the latest after so many ticks. */
const CATCH_UP_TICKS_MAX = 120;

/** One source of the configuration: its files or the journal, its counts and its events. */
export class Source {
  readonly settings: SourceSettings;
  trouble: string | null = null;
  private readonly ctx: PluginContext;
  private readonly tallies: Tallies;
  private readonly patterns: readonly Pattern[];
  private readonly recordStart: RegExp | null;
  private readonly tails = new Map<string, { tail: Tail; splitter: LineSplitter }>();
  private readonly journal: Journal | null;
  /** Where an earlier run stood, until the file is begun. */
  private readonly resume: Map<string, TailState>;
  private readonly shapes: Set<string>;
  private readonly units = new Set<string>();
  /** The last event's time by series: two events of one millisecond must not become one. */
  private readonly lastEventMs = new Map<number, number>();
  private readonly events: { id: number; timestampMs: number; value: number }[] = [];
  private eventsLeft = 0;
  private ticks = 0;
  private recordsSeen = 0;
  private catchingUp: boolean;

  constructor(ctx: PluginContext, settings: SourceSettings, kept: KeptSource | null) {
    this.ctx = ctx;
    this.settings = settings;
    this.resume = new Map(Object.entries(kept?.tails ?? {}));
    this.catchingUp = kept !== null;
    this.patterns = settings.patterns.map((pattern) => new Pattern(settings.name, pattern));
    this.recordStart = settings.record_start === undefined ? null : new RegExp(settings.record_start);
    this.tallies = new Tallies(ctx, settings.name);
    for (const level of LEVELS) this.tallies.add("alluse_log_level_lines_total", { level }, 0);
    for (const name of ["lines", "bytes", "rotations", "lost_bytes", "cut_lines", "dropped_events"])
      this.tallies.add(`alluse_log_${name}_total`, {}, 0);
    for (const { name, labels } of settings.patterns)
      if (labels.length === 0) this.tallies.add("alluse_log_pattern_lines_total", { pattern: name }, 0);
    this.tallies.restore(kept?.tallies ?? []);
    this.shapes = new Set(kept?.shapes);
    this.journal = settings.journal
      ? new Journal(ctx, settings.journal, {
          cursor: kept?.cursor ?? null,
          fromEnd: settings.from === "end",
          entry: (entry) => {
            this.unit(entry.unit, entry.level);
            this.record(entry.text, entry.level, entry.bytes, entry.timeMs);
          },
        })
      : null;
  }

  /** Reads what is new. */
  async read(): Promise<void> {
    const before = this.recordsSeen;
    this.eventsLeft = EVENTS_PER_SECOND_MAX;
    this.trouble = null;
    if (this.ticks++ % LOOK_TICKS === 0) await this.look();
    let left = TICK_BYTES_MAX;
    let lag = 0;
    for (const { tail } of this.tails.values()) {
      try {
        left -= await tail.poll(left);
      } catch (error) {
        this.trouble = `${tail.path} cannot be read: ${errorText(error)}`;
      }
      lag += tail.lag;
    }
    this.journal?.keep();
    this.trouble ??= this.journal?.trouble ?? null;
    if (this.settings.files) {
      this.tallies.set("alluse_log_files", {}, this.tails.size);
      this.tallies.set("alluse_log_lag_bytes", {}, lag);
    }
    const idle = lag === 0 && this.recordsSeen === before && (this.ticks > 2 || !this.journal);
    if (idle || (lag === 0 && !this.journal) || this.ticks > CATCH_UP_TICKS_MAX) this.catchingUp = false;
  }

  /** How many rows `write` may need. */
  get rows(): number {
    return this.tallies.size + this.events.length;
  }

  write(batch: Batch, nowMs: number): void {
    if (this.catchingUp) return;
    this.tallies.write(batch, nowMs);
  }

  writeEvents(batch: Batch): void {
    for (const { id, timestampMs, value } of this.events) {
      const row = batch.length++;
      batch.series[row] = id;
      batch.timestamps[row] = timestampMs;
      batch.values[row] = value;
    }
    this.events.length = 0;
  }

  keep(): KeptSource {
    const tails: Record<string, TailState> = Object.fromEntries(this.resume);
    for (const [path, { tail }] of this.tails) if (tail.state) tails[path] = tail.state;
    return { tallies: this.tallies.kept(), tails, cursor: this.journal?.cursor ?? null, shapes: [...this.shapes] };
  }

  async close(): Promise<void> {
    this.journal?.stop();
    for (const { tail } of this.tails.values()) await tail.close();
  }

  /** Begins to follow files that are new; those that are gone for good are left when a look no longer finds them. */
  private async look(): Promise<void> {
    const found = new Set<string>();
    for (const pattern of this.settings.files ?? []) for (const path of await expandGlob(pattern)) found.add(path);
    for (const path of found) {
      if (this.tails.has(path) || this.tails.size >= FILES_MAX) continue;
      // A file that appears while the agent watches is new from its first line.
      const fromEnd = this.settings.from === "end" && this.ticks === 1;
      const splitter = new LineSplitter();
      const tail = new Tail(path, this.sink(splitter), this.resume.get(path) ?? null, fromEnd);
      this.resume.delete(path);
      this.tails.set(path, { tail, splitter });
    }
    for (const [path, { tail }] of this.tails) {
      if (found.has(path)) continue;
      this.tails.delete(path);
      await tail.close();
    }
  }

  private sink(splitter: LineSplitter) {
    const line = (text: string): void => {
      if (text === "" || (this.recordStart !== null && !this.recordStart.test(text))) return;
      this.record(text, levelOf(text), 0, null);
    };
    return {
      bytes: (chunk: Uint8Array): void => {
        this.tallies.add("alluse_log_bytes_total", {}, chunk.length);
        const cut = splitter.cut;
        splitter.push(chunk, line);
        if (splitter.cut > cut) this.tallies.add("alluse_log_cut_lines_total", {}, splitter.cut - cut);
      },
      ended: (): void => {
        const rest = splitter.finish();
        if (rest !== null) line(rest);
      },
      rotated: (): void => this.tallies.add("alluse_log_rotations_total", {}),
      lost: (bytes: number): void => this.tallies.add("alluse_log_lost_bytes_total", {}, bytes),
      get pendingBytes(): number {
        return splitter.pending;
      },
    };
  }

  private unit(name: string, level: Level): void {
    if (!this.units.has(name) && this.units.size >= UNITS_MAX) name = "other";
    this.units.add(name);
    this.tallies.add("alluse_log_unit_lines_total", { unit: name, level });
  }

  private record(text: string, level: Level, bytes: number, timeMs: number | null): void {
    this.recordsSeen++;
    this.tallies.add("alluse_log_lines_total", {});
    this.tallies.add("alluse_log_level_lines_total", { level });
    if (bytes > 0) this.tallies.add("alluse_log_bytes_total", {}, bytes);
    if (this.settings.templates) this.tallies.add("alluse_log_template_lines_total", { template: this.shape(text) });
    for (const pattern of this.patterns) {
      const found = pattern.find(text);
      if (!found) continue;
      const labels = { ...found.labels, pattern: pattern.settings.name };
      this.tallies.add("alluse_log_pattern_lines_total", labels);
      const { event } = pattern.settings;
      const valued = !Number.isNaN(found.value);
      if (!event && !valued) continue;
      const atMs = timeMs ?? lineTime(text, this.ctx.clock.now());
      if (event) this.event("alluse_log_event", labels, atMs, 1);
      if (valued) this.event("alluse_log_pattern_value", labels, atMs, found.value);
    }
  }

  private shape(text: string): string {
    const shape = shapeOf(text);
    if (!this.shapes.has(shape)) {
      if (this.shapes.size >= SHAPES_MAX) return "other";
      this.shapes.add(shape);
    }
    return shape;
  }

  private event(name: string, labels: Labels, timeMs: number, value: number): void {
    if (this.eventsLeft-- <= 0) return this.tallies.add("alluse_log_dropped_events_total", {});
    const id = this.tallies.series(name, labels);
    const lastMs = this.lastEventMs.get(id) ?? -Infinity;
    // A burst within one millisecond is spread over the next ones.
    const timestampMs = timeMs <= lastMs && timeMs > lastMs - 1000 ? lastMs + 1 : timeMs;
    this.lastEventMs.set(id, timestampMs);
    this.events.push({ id, timestampMs, value });
  }
}
