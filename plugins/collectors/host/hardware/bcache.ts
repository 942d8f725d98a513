import { Attributes } from "../attributes.ts";
import type { Columns } from "../columns.ts";
import { DeviceGroup } from "../device-group.ts";
import type { Facts, Group } from "../group.ts";

/** A file of the set, the metric after `node_bcache_`, and its scale. */
const OF_SET: readonly (readonly [file: string, metric: string, scale?: number])[] = [
  ["average_key_size", "average_key_size_sectors"],
  ["btree_cache_size", "btree_cache_size_bytes"],
  ["cache_available_percent", "cache_available_percent"],
  ["congested", "congested"],
  ["root_usage_percent", "root_usage_percent"],
  ["tree_depth", "tree_depth"],
  ["internal/active_journal_entries", "active_journal_entries"],
  ["internal/btree_nodes", "btree_nodes"],
  ["internal/btree_read_average_duration_us", "btree_read_average_duration_seconds", 1e-6],
  ["internal/cache_read_races", "cache_read_races_total"],
];
const OF_BACKING: readonly (readonly [file: string, metric: string])[] = [
  ["dirty_data", "dirty_data_bytes"],
  ["stats_total/bypassed", "bypassed_bytes_total"],
  ["stats_total/cache_hits", "cache_hits_total"],
  ["stats_total/cache_misses", "cache_misses_total"],
  ["stats_total/cache_bypass_hits", "cache_bypass_hits_total"],
  ["stats_total/cache_bypass_misses", "cache_bypass_misses_total"],
  ["stats_total/cache_miss_collisions", "cache_miss_collisions_total"],
  ["stats_total/cache_readaheads", "cache_readaheads_total"],
];
const OF_CACHE: readonly (readonly [file: string, metric: string])[] = [
  ["io_errors", "io_errors"],
  ["metadata_written", "metadata_written_bytes_total"],
  ["written", "written_bytes_total"],
];
/** Lines of a backing device's `writeback_rate_debug`. */
const WRITEBACK: Readonly<Record<string, string>> = {
  rate: "writeback_rate",
  target: "dirty_target_bytes",
  proportional: "writeback_rate_proportional_term",
  integral: "writeback_rate_integral_term",
  change: "writeback_change",
};

const UNITS = "kMGTPEZY";

/** `20.4G`: the digit behind the point stands for hundreds of the next smaller unit, as the kernel's bch_hprint writes it. */
export function sizeOf(text: string): number {
  const [, sign, whole, tenth = "0", unit] = /^(-?)(\d+)(?:\.(\d))?([kMGTPEZY])?/.exec(text.trim()) ?? [];
  if (whole === undefined) return NaN;
  const power = unit === undefined ? 0 : UNITS.indexOf(unit) + 1;
  const value = Number(whole) * 1024 ** power + (power > 0 ? Number(tenth) * 100 * 1024 ** (power - 1) : 0);
  return sign ? -value : value;
}

/** One cache set: numbers of its own, and sizes of its devices, which the kernel writes for people. */
class CacheSet {
  private readonly facts: Facts;
  private readonly folder: string;
  private readonly uuid: string;
  private readonly attributes: Attributes;

  constructor(facts: Facts, uuid: string) {
    this.facts = facts;
    this.uuid = uuid;
    this.folder = facts.sys(`fs/bcache/${uuid}`);
    this.attributes = new Attributes(facts.reader);
    for (const [file, metric, scale] of OF_SET) {
      this.attributes.add(`${this.folder}/${file}`, facts.series(`node_bcache_${metric}`, { uuid }), scale);
    }
  }

  read(out: Columns): void {
    this.attributes.read(out);
    for (const name of this.facts.reader.names(this.folder)) {
      if (/^bdev\d+$/.test(name)) {
        const labels = { uuid: this.uuid, backing_device: name };
        this.readSizes(name, OF_BACKING, labels, out);
        this.readWriteback(name, labels, out);
      } else if (/^cache\d+$/.test(name)) this.readSizes(name, OF_CACHE, { uuid: this.uuid, cache_device: name }, out);
    }
  }

  close(): void {
    this.attributes.close();
  }

  private readSizes(
    device: string,
    files: readonly (readonly [string, string])[],
    labels: Record<string, string>,
    out: Columns,
  ): void {
    for (const [file, metric] of files)
      this.give(metric, labels, this.facts.reader.text(`${this.folder}/${device}/${file}`), out);
  }

  private readWriteback(device: string, labels: Record<string, string>, out: Columns): void {
    const text = this.facts.reader.text(`${this.folder}/${device}/writeback_rate_debug`) ?? "";
    for (const [, line, value] of text.matchAll(/^(\w+):\s*(\S+)/gm)) {
      if (WRITEBACK[line]) this.give(WRITEBACK[line], labels, value, out);
    }
  }

  private give(metric: string, labels: Record<string, string>, text: string | null, out: Columns): void {
    const value = text === null ? NaN : sizeOf(text);
    if (!Number.isNaN(value)) out.push(this.facts.series(`node_bcache_${metric}`, labels), value);
  }
}

/** /sys/fs/bcache: disks cached by faster ones. */
export function bcacheGroup(facts: Facts): Group {
  return new DeviceGroup({
    name: "bcache",
    folder: facts.sys("fs/bcache"),
    pattern: /^[0-9a-f]{8}-[0-9a-f-]+$/,
    make: (uuid) => new CacheSet(facts, uuid),
  });
}
