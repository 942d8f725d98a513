import type { SeriesId } from "all-use-agent/sdk";
import type { Columns } from "./columns.ts";
import type { Facts, Group } from "./group.ts";
import type { KeptFile } from "./reader.ts";

/** Columns of /proc/net/stat/nf_conntrack, hexadecimal, one line a CPU; null where node exporter gives none. */
const COLUMNS = [
  null,
  null,
  "found",
  null,
  "invalid",
  "ignore",
  null,
  null,
  "insert",
  "insert_failed",
  "drop",
  "early_drop",
  null,
  null,
  null,
  null,
  "search_restart",
] as const;

/** Connections that the packet filter tracks, where its module is loaded. */
export class ConntrackGroup implements Group {
  readonly name = "conntrack";
  readonly pace = "fast";
  readonly optional = true;
  readonly needs: string;
  private readonly entries: KeptFile;
  private readonly limit: KeptFile;
  private readonly stat: KeptFile;
  private readonly entriesId: SeriesId;
  private readonly limitId: SeriesId;
  private readonly ids: readonly (SeriesId | null)[];
  private readonly sums = new Float64Array(COLUMNS.length);

  constructor(facts: Facts) {
    this.needs = facts.proc("sys/net/netfilter/nf_conntrack_count");
    this.entries = facts.reader.file(facts.proc("sys/net/netfilter/nf_conntrack_count"), "whole");
    this.limit = facts.reader.file(facts.proc("sys/net/netfilter/nf_conntrack_max"), "whole");
    this.stat = facts.reader.file(facts.proc("net/stat/nf_conntrack"), "lines");
    this.entriesId = facts.series("node_nf_conntrack_entries");
    this.limitId = facts.series("node_nf_conntrack_entries_limit");
    this.ids = COLUMNS.map((name) => (name === null ? null : facts.series(`node_nf_conntrack_stat_${name}`)));
  }

  read(out: Columns): void {
    out.push(this.entriesId, this.entries.read().integer());
    out.push(this.limitId, this.limit.read().integer());
    const scanner = this.stat.read();
    const { sums, ids } = this;
    sums.fill(0);
    scanner.skipLine();
    while (scanner.pos < scanner.end) {
      for (let i = 0; i < sums.length; i++) sums[i] += scanner.hexadecimal();
      scanner.skipLine();
    }
    for (let i = 0; i < ids.length; i++) {
      const id = ids[i];
      if (id !== null) out.push(id, sums[i]);
    }
  }

  close(): void {
    this.entries.close();
    this.limit.close();
    this.stat.close();
  }
}
