import type { SeriesId } from "all-use-agent/sdk";
import type { Columns } from "./columns.ts";
import type { Facts, Group } from "./group.ts";
import type { KeptFile } from "./reader.ts";

/** Columns of /proc/net/arp before the device. */
const BEFORE_DEVICE = 5;

interface Count {
  readonly id: SeriesId;
  entries: number;
}

/** /proc/net/arp: neighbours known by each interface. */
export class NeighbourGroup implements Group {
  readonly name = "arp";
  readonly pace = "slow";
  readonly optional = true;
  private readonly facts: Facts;
  private readonly file: KeptFile;
  /** By hash of the device's name. */
  private readonly counts = new Map<number, Count>();

  constructor(facts: Facts) {
    this.facts = facts;
    this.file = facts.reader.file(facts.proc("net/arp"), "lines");
  }

  read(out: Columns): void {
    const scanner = this.file.read();
    for (const count of this.counts.values()) count.entries = 0;
    scanner.skipLine();
    while (scanner.pos < scanner.end) {
      for (let i = 0; i < BEFORE_DEVICE; i++) scanner.skipWord();
      scanner.key(0);
      let count = this.counts.get(scanner.hash);
      if (!count) {
        count = { id: this.facts.series("node_arp_entries", { device: scanner.keyText() }), entries: 0 };
        this.counts.set(scanner.hash, count);
      }
      count.entries++;
      scanner.skipLine();
    }
    for (const [hash, count] of this.counts) {
      if (count.entries > 0) out.push(count.id, count.entries);
      else this.counts.delete(hash);
    }
  }

  close(): void {
    this.file.close();
  }
}
