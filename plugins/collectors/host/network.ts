import type { SeriesId } from "all-use-agent/sdk";
import type { Columns } from "./columns.ts";
import type { Facts, Group } from "./group.ts";
import type { KeptFile } from "./reader.ts";
import { Rows } from "./rows.ts";

const COLON = 58;

/** The columns of /proc/net/dev. */
const COLUMNS = [
  "receive_bytes",
  "receive_packets",
  "receive_errs",
  "receive_drop",
  "receive_fifo",
  "receive_frame",
  "receive_compressed",
  "receive_multicast",
  "transmit_bytes",
  "transmit_packets",
  "transmit_errs",
  "transmit_drop",
  "transmit_fifo",
  "transmit_colls",
  "transmit_carrier",
  "transmit_compressed",
] as const;

/** /proc/net/dev: traffic of each network device. */
export class NetworkGroup implements Group {
  readonly name = "netdev";
  readonly pace = "fast";
  readonly optional = true;
  private readonly facts: Facts;
  private readonly file: KeptFile;
  private readonly exclude: RegExp;
  private readonly rows = new Rows<readonly SeriesId[] | null>();

  constructor(facts: Facts) {
    this.facts = facts;
    this.file = facts.reader.file(facts.proc("net/dev"), "lines");
    this.exclude = new RegExp(facts.config.network_exclude);
  }

  read(out: Columns): void {
    const scanner = this.file.read();
    scanner.skipLine();
    scanner.skipLine();
    for (let row = 0; scanner.pos < scanner.end; row++) {
      scanner.key(COLON);
      let ids = this.rows.get(row, scanner.hash);
      if (ids === undefined) ids = this.rows.set(row, scanner.hash, this.learn(scanner.keyText()));
      if (ids !== null) for (let i = 0; i < ids.length; i++) out.push(ids[i], scanner.integer());
      scanner.skipLine();
    }
  }

  close(): void {
    this.file.close();
  }

  private learn(device: string): readonly SeriesId[] | null {
    if (this.exclude.test(device)) return null;
    return COLUMNS.map((column) => this.facts.series(`node_network_${column}_total`, { device }));
  }
}
