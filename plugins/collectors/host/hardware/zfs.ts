import fs from "node:fs";
import type { SeriesId } from "all-use-agent/sdk";
import type { Columns } from "../columns.ts";
import type { Facts, Group } from "../group.ts";
import type { KeptFile } from "../reader.ts";
import { Rows } from "../rows.ts";
import type { Scanner } from "../scanner.ts";

/** Files of /proc/spl/kstat/zfs, and what stands between `node_zfs_` and a line's name. */
const FILES: Readonly<Record<string, string>> = {
  abdstats: "abd",
  arcstats: "arc",
  dbufstats: "dbuf",
  dmu_tx: "dmu_tx",
  dnodestats: "dnode",
  fm: "fm",
  vdev_cache_stats: "vdev_cache",
  vdev_mirror_stats: "vdev_mirror",
  xuio_stats: "xuio",
  zfetchstats: "zfetch",
  zil: "zil",
};
const POOL_STATES = ["online", "degraded", "faulted", "offline", "removed", "unavail", "suspended"] as const;
/** Kinds of a line of a kstat that are whole numbers. */
const INT64 = 3;
const UINT64 = 4;

const clean = (name: string) => name.replace(/-/g, "_");

/** A file of lines `name type data` below two lines of head. */
class KstatTable {
  private readonly file: KeptFile;
  private readonly series: (name: string) => SeriesId;
  private readonly rows = new Rows<SeriesId>();

  constructor(file: KeptFile, series: (name: string) => SeriesId) {
    this.file = file;
    this.series = series;
  }

  read(out: Columns): void {
    const scanner = this.file.tryRead();
    if (scanner === null) return this.file.close();
    scanner.skipLine();
    scanner.skipLine();
    for (let row = 0; scanner.pos < scanner.end; row++) {
      scanner.key(0);
      const id = this.rows.get(row, scanner.hash) ?? this.learn(row, scanner);
      const kind = scanner.integer();
      if (kind === INT64 || kind === UINT64) out.push(id, scanner.integer());
      scanner.skipLine();
    }
  }

  close(): void {
    this.file.close();
  }

  private learn(row: number, scanner: Scanner): SeriesId {
    const name = scanner.keyText();
    // The one line of text names the data set; its kind keeps it from being given.
    return this.rows.set(row, scanner.hash, name === "dataset_name" ? 0 : this.series(name));
  }
}

/** ZFS: its caches, and the pools with their data sets. */
export class ZfsGroup implements Group {
  readonly name = "zfs";
  readonly pace = "slow";
  readonly optional = true;
  readonly needs: string;
  private readonly facts: Facts;
  /** By path below `needs`. */
  private readonly tables = new Map<string, KstatTable>();

  constructor(facts: Facts) {
    this.facts = facts;
    this.needs = facts.proc("spl/kstat/zfs");
  }

  read(out: Columns): void {
    const { facts } = this;
    const seen = new Set<string>();
    for (const entry of fs.readdirSync(this.needs, { withFileTypes: true })) {
      const { name } = entry;
      if (entry.isDirectory()) this.readPool(name, seen, out);
      else if (FILES[name]) {
        this.readTable(name, seen, out, (line) => facts.series(`node_zfs_${FILES[name]}_${clean(line)}`));
      }
    }
    for (const [path, table] of this.tables) {
      if (seen.has(path)) continue;
      table.close();
      this.tables.delete(path);
    }
  }

  close(): void {
    for (const table of this.tables.values()) table.close();
    this.tables.clear();
  }

  private readTable(path: string, seen: Set<string>, out: Columns, series: (line: string) => SeriesId): void {
    seen.add(path);
    let table = this.tables.get(path);
    if (!table) this.tables.set(path, (table = new KstatTable(this.facts.reader.file(`${this.needs}/${path}`, "long"), series)));
    table.read(out);
  }

  private readPool(zpool: string, seen: Set<string>, out: Columns): void {
    const { facts } = this;
    for (const name of facts.reader.names(`${this.needs}/${zpool}`)) {
      const path = `${zpool}/${name}`;
      if (name === "io") this.readIo(zpool, out);
      else if (name === "state") {
        const actual = facts.reader.text(`${this.needs}/${path}`)?.toLowerCase();
        for (const state of POOL_STATES) {
          out.push(facts.series("node_zfs_zpool_state", { zpool, state }), actual === state ? 1 : 0);
        }
      } else if (name.startsWith("objset-")) {
        const dataset = this.datasetOf(path);
        this.readTable(path, seen, out, (line) => facts.series(`node_zfs_zpool_dataset_${clean(line)}`, { zpool, dataset }));
      }
    }
  }

  /** Two lines below a line of head: names, values. Gone since OpenZFS 2.1. */
  private readIo(zpool: string, out: Columns): void {
    const [, names, values] = (this.facts.reader.text(`${this.needs}/${zpool}/io`) ?? "").split("\n");
    if (values === undefined) return;
    const numbers = values.trim().split(/\s+/).map(Number);
    names
      .trim()
      .split(/\s+/)
      .forEach((name, i) => {
        if (Number.isFinite(numbers[i])) out.push(this.facts.series(`node_zfs_zpool_${clean(name)}`, { zpool }), numbers[i]);
      });
  }

  private datasetOf(path: string): string {
    return /^dataset_name\s+\d+\s+(.*)$/m.exec(this.facts.reader.text(`${this.needs}/${path}`) ?? "")?.[1] ?? "";
  }
}
