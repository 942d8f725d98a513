import type { SeriesId } from "all-use-agent/sdk";
import type { Columns } from "./columns.ts";
import type { Facts, Group } from "./group.ts";
import type { KeptFile } from "./reader.ts";
import { Rows } from "./rows.ts";

const SECTOR_BYTES = 512;
/** The kernel counts milliseconds. Multiplied, not divided, so that the last digit is node exporter's too. */
const SECONDS_PER_MS = 1 / 1000;

/** The columns of /proc/diskstats after the device, and what a unit of each is worth. Older kernels have fewer. */
const COLUMNS: readonly (readonly [string, number])[] = [
  ["reads_completed_total", 1],
  ["reads_merged_total", 1],
  ["read_bytes_total", SECTOR_BYTES],
  ["read_time_seconds_total", SECONDS_PER_MS],
  ["writes_completed_total", 1],
  ["writes_merged_total", 1],
  ["written_bytes_total", SECTOR_BYTES],
  ["write_time_seconds_total", SECONDS_PER_MS],
  ["io_now", 1],
  ["io_time_seconds_total", SECONDS_PER_MS],
  ["io_time_weighted_seconds_total", SECONDS_PER_MS],
  ["discards_completed_total", 1],
  ["discards_merged_total", 1],
  ["discarded_sectors_total", 1],
  ["discard_time_seconds_total", SECONDS_PER_MS],
  ["flush_requests_total", 1],
  ["flush_requests_time_seconds_total", SECONDS_PER_MS],
];
const SCALES = Float64Array.from(COLUMNS, ([, scale]) => scale);

/** /proc/diskstats: what each block device has done. */
export class DiskGroup implements Group {
  readonly name = "diskstats";
  readonly pace = "fast";
  readonly optional = true;
  private readonly facts: Facts;
  private readonly file: KeptFile;
  private readonly exclude: RegExp;
  private readonly rows = new Rows<readonly SeriesId[] | null>();

  constructor(facts: Facts) {
    this.facts = facts;
    this.file = facts.reader.file(facts.proc("diskstats"), "lines");
    this.exclude = new RegExp(facts.config.disk_exclude);
  }

  read(out: Columns): void {
    const scanner = this.file.read();
    for (let row = 0; scanner.pos < scanner.end; row++) {
      scanner.skipWord();
      scanner.skipWord();
      scanner.key(0);
      let ids = this.rows.get(row, scanner.hash);
      if (ids === undefined) ids = this.rows.set(row, scanner.hash, this.learn(scanner.keyText()));
      if (ids !== null)
        for (let i = 0; i < ids.length && !scanner.atLineEnd(); i++) out.push(ids[i], scanner.integer() * SCALES[i]);
      scanner.skipLine();
    }
  }

  close(): void {
    this.file.close();
  }

  private learn(device: string): readonly SeriesId[] | null {
    if (this.exclude.test(device)) return null;
    return COLUMNS.map(([name]) => this.facts.series(`node_disk_${name}`, { device }));
  }
}
