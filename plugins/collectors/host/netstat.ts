import type { SeriesId } from "all-use-agent/sdk";
import type { Columns } from "./columns.ts";
import type { Facts, Group } from "./group.ts";
import type { KeptFile } from "./reader.ts";
import { Rows } from "./rows.ts";
import type { Scanner } from "./scanner.ts";

/** Which numbers of a line of values are wanted: `ids[i]` is the number `places[i]`, counted from 0. */
interface Wanted {
  readonly places: readonly number[];
  readonly ids: readonly SeriesId[];
}

/** /proc/net/netstat, snmp and snmp6: counters of the network protocols. */
export class NetstatGroup implements Group {
  readonly name = "netstat";
  readonly pace = "fast";
  readonly optional = true;
  private readonly facts: Facts;
  /** Of some four hundred counters those that are told. */
  private readonly fields: RegExp;
  private readonly tables: readonly { readonly file: KeptFile; readonly rows: Rows<Wanted> }[];
  private readonly six: KeptFile;
  private readonly sixRows = new Rows<SeriesId | null>();

  constructor(facts: Facts) {
    this.facts = facts;
    this.fields = new RegExp(facts.config.netstat_fields);
    this.tables = ["netstat", "snmp"].map((name) => ({
      file: facts.reader.file(facts.proc(`net/${name}`), "whole"),
      rows: new Rows(),
    }));
    this.six = facts.reader.file(facts.proc("net/snmp6"), "whole");
  }

  read(out: Columns): void {
    for (let i = 0; i < this.tables.length; i++) this.readTable(this.tables[i].file.read(), this.tables[i].rows, out);
    this.readSix(out);
  }

  close(): void {
    for (const { file } of this.tables) file.close();
    this.six.close();
  }

  /** Lines in pairs: `Tcp: name name …`, `Tcp: value value …`. */
  private readTable(scanner: Scanner, rows: Rows<Wanted>, out: Columns): void {
    for (let row = 0; scanner.pos < scanner.end; row++) {
      scanner.lineHash();
      const { hash } = scanner;
      let wanted = rows.get(row, hash);
      if (wanted === undefined) wanted = rows.set(row, hash, this.learn(scanner.keyText()));
      scanner.skipWord();
      let place = 0;
      for (let i = 0; i < wanted.places.length; i++) {
        for (; place < wanted.places[i]; place++) scanner.skipWord();
        out.push(wanted.ids[i], scanner.integer());
        place++;
      }
      scanner.skipLine();
    }
  }

  /** Lines of one counter: `Ip6InOctets 128`. Absent where IPv6 is switched off. */
  private readSix(out: Columns): void {
    let scanner: Scanner;
    try {
      scanner = this.six.read();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
      throw error;
    }
    for (let row = 0; scanner.pos < scanner.end; row++) {
      scanner.key(0);
      let id = this.sixRows.get(row, scanner.hash);
      if (id === undefined) {
        const key = scanner.keyText();
        const split = key.indexOf("6") + 1;
        id = this.sixRows.set(row, scanner.hash, this.seriesOf(key.slice(0, split), key.slice(split)));
      }
      if (id !== null) out.push(id, scanner.integer());
      scanner.skipLine();
    }
  }

  private learn(header: string): Wanted {
    const [protocol, ...names] = header.trim().split(/\s+/);
    const places: number[] = [];
    const ids: SeriesId[] = [];
    names.forEach((name, place) => {
      const id = this.seriesOf(protocol.replace(/:$/, ""), name);
      if (id === null) return;
      places.push(place);
      ids.push(id);
    });
    return { places, ids };
  }

  private seriesOf(protocol: string, name: string): SeriesId | null {
    const key = `${protocol}_${name}`;
    return protocol !== "" && this.fields.test(key) ? this.facts.series(`node_netstat_${key}`) : null;
  }
}
