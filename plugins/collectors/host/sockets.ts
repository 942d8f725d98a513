import fs from "node:fs";
import type { SeriesId } from "all-use-agent/sdk";
import type { Columns } from "./columns.ts";
import type { Facts, Group } from "./group.ts";
import type { KeptFile } from "./reader.ts";
import { Rows } from "./rows.ts";
import type { Scanner } from "./scanner.ts";

const COLON = 58;
const USUAL_PAGE_BYTES = 4096;

interface Protocol {
  readonly ids: readonly SeriesId[];
  /** Where the number of pages stands that is also given in bytes, or -1. */
  readonly pagesAt: number;
  readonly bytesId: SeriesId;
}

/** /proc/net/sockstat and sockstat6: sockets in use by protocol, and the memory they hold. */
export class SocketGroup implements Group {
  readonly name = "sockstat";
  readonly pace = "fast";
  readonly optional = true;
  private readonly facts: Facts;
  private readonly pageBytes: number;
  private readonly files: readonly { readonly file: KeptFile; readonly rows: Rows<Protocol> }[];

  constructor(facts: Facts) {
    this.facts = facts;
    this.pageBytes = pageSize(facts.proc("self/auxv"));
    this.files = ["sockstat", "sockstat6"].map((name) => ({
      file: facts.reader.file(facts.proc(`net/${name}`), "whole"),
      rows: new Rows(),
    }));
  }

  read(out: Columns): void {
    for (let f = 0; f < this.files.length; f++) {
      const { file, rows } = this.files[f];
      let scanner: Scanner;
      try {
        scanner = file.read();
      } catch (error) {
        // sockstat6 is missing where IPv6 is switched off.
        if (f > 0 && (error as NodeJS.ErrnoException).code === "ENOENT") return;
        throw error;
      }
      for (let row = 0; scanner.pos < scanner.end; row++) this.readLine(scanner, rows, row, out);
    }
  }

  close(): void {
    for (const { file } of this.files) file.close();
  }

  /** `TCP: inuse 4 orphan 0 tw 0 alloc 4 mem 298` */
  private readLine(scanner: Scanner, rows: Rows<Protocol>, row: number, out: Columns): void {
    const start = scanner.pos;
    scanner.key(COLON);
    let protocol = rows.get(row, scanner.hash);
    if (protocol === undefined) {
      const { hash, pos } = scanner;
      scanner.pos = start;
      scanner.skipLine();
      protocol = rows.set(row, hash, this.learn(scanner.text(start, scanner.pos)));
      scanner.pos = pos;
    }
    for (let i = 0; i < protocol.ids.length; i++) {
      scanner.skipWord();
      const value = scanner.integer();
      out.push(protocol.ids[i], value);
      if (i === protocol.pagesAt) out.push(protocol.bytesId, value * this.pageBytes);
    }
    scanner.skipLine();
  }

  private learn(line: string): Protocol {
    const [name, ...words] = line.trim().split(/\s+/);
    const prefix = `node_sockstat_${name.replace(/:$/, "")}`;
    const fields = words.filter((_, i) => i % 2 === 0);
    const pagesAt = fields.indexOf("mem");
    return {
      ids: fields.map((field) => this.facts.series(`${prefix}_${field}`)),
      pagesAt,
      bytesId: pagesAt < 0 ? 0 : this.facts.series(`${prefix}_mem_bytes`),
    };
  }
}

/** The kernel tells each process its page size: entry 6 (AT_PAGESZ) of the auxiliary vector, pairs of words. */
function pageSize(path: string): number {
  try {
    const words = new BigUint64Array(new Uint8Array(fs.readFileSync(path)).buffer);
    for (let i = 0; i + 1 < words.length; i += 2) if (words[i] === 6n) return Number(words[i + 1]);
  } catch {
    // Not shown to everyone; most machines have the same.
  }
  return USUAL_PAGE_BYTES;
}
