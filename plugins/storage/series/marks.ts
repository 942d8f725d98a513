import { readFile, rename } from "node:fs/promises";
import type { Matcher, MatchOperator } from "all-use-agent/sdk";
import { ByteWriter } from "./bytes.ts";
import { writeWhole } from "./files.ts";
import { beginRecord, decodeLogHeader, eachRecord, encodeLogHeader, endRecord, newLogHeader, RECORD } from "./record.ts";

export interface Gap {
  readonly fromMs: number;
  readonly toMs: number;
  readonly reason: string;
}

/** Samples of matching series in the range are deleted from all log segments up to `maxSegment` and blocks made of them. */
export interface Deletion {
  readonly maxSegment: number;
  readonly fromMs: number;
  readonly toMs: number;
  readonly matchers: readonly Matcher[];
}

/** Older gaps beyond this many are forgotten. */
const GAPS_MAX = 10_000;

const OPERATORS: readonly MatchOperator[] = ["=", "!=", "=~", "!~"];

/**
 * Facts that are no samples: recorded gaps, and deletions that blocks do not know of yet. One small file, written whole at
 * each change; changes that come while it is being written go with the next.
 */
export class Marks {
  gaps: Gap[] = [];
  deletions: Deletion[] = [];
  /** Records that could not be read at opening. */
  damaged = 0;
  private readonly path: string;
  private writing: Promise<void> | null = null;
  private next: Promise<void> | null = null;
  private dirty = false;

  constructor(path: string) {
    this.path = path;
  }

  async load(): Promise<void> {
    let bytes: Uint8Array;
    try {
      bytes = await readFile(this.path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
      throw error;
    }
    const header = decodeLogHeader(bytes);
    if (header === null) {
      // The next change would write over it.
      await rename(this.path, `${this.path}.damaged`);
      this.damaged++;
      return;
    }
    const result = eachRecord(bytes, header.salt, (type, body) => {
      if (type === RECORD.gap) this.gaps.push({ fromMs: body.f64(), toMs: body.f64(), reason: body.text() });
      else if (type === RECORD.deletion) {
        const deletion = { maxSegment: body.f64(), fromMs: body.f64(), toMs: body.f64() };
        const matchers = Array.from({ length: body.count(body.end) }, () => ({
          op: OPERATORS[body.count(OPERATORS.length - 1)],
          label: body.text(),
          value: body.text(),
        }));
        this.deletions.push({ ...deletion, matchers });
      }
    });
    this.damaged += result.damaged;
  }

  addGap(gap: Gap): void {
    this.gaps.push(gap);
    if (this.gaps.length > GAPS_MAX) this.gaps.splice(0, this.gaps.length - GAPS_MAX);
    this.dirty = true;
  }

  addDeletion(deletion: Deletion): void {
    this.deletions.push(deletion);
    this.dirty = true;
  }

  keep(gap: (gap: Gap) => boolean, deletion: (deletion: Deletion) => boolean): void {
    const gaps = this.gaps.filter(gap);
    const deletions = this.deletions.filter(deletion);
    if (gaps.length !== this.gaps.length || deletions.length !== this.deletions.length) this.dirty = true;
    this.gaps = gaps;
    this.deletions = deletions;
  }

  /** Resolves when everything said before the call is on the disk. */
  flush(): Promise<void> {
    if (this.writing === null) {
      if (!this.dirty) return Promise.resolve();
      this.writing = this.write().finally(() => {
        this.writing = null;
      });
      return this.writing;
    }
    if (!this.dirty) return this.writing;
    this.next ??= this.writing
      .catch(() => undefined)
      .then(() => {
        this.next = null;
        return this.flush();
      });
    return this.next;
  }

  private async write(): Promise<void> {
    this.dirty = false;
    const header = newLogHeader(0);
    const out = new ByteWriter(1024);
    out.raw(encodeLogHeader(header));
    for (const gap of this.gaps) {
      const at = beginRecord(out, RECORD.gap);
      out.f64(gap.fromMs);
      out.f64(gap.toMs);
      out.text(gap.reason);
      endRecord(out, at, header.salt);
    }
    for (const deletion of this.deletions) {
      const at = beginRecord(out, RECORD.deletion);
      out.f64(deletion.maxSegment);
      out.f64(deletion.fromMs);
      out.f64(deletion.toMs);
      out.varint(deletion.matchers.length);
      for (const matcher of deletion.matchers) {
        out.varint(OPERATORS.indexOf(matcher.op));
        out.text(matcher.label);
        out.text(matcher.value);
      }
      endRecord(out, at, header.salt);
    }
    try {
      await writeWhole(this.path, out.written());
    } catch (error) {
      this.dirty = true;
      throw error;
    }
  }
}
