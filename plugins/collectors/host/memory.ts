import type { SeriesId } from "all-use-agent/sdk";
import type { Columns } from "./columns.ts";
import type { Facts, Group } from "./group.ts";
import type { KeptFile } from "./reader.ts";
import { Rows } from "./rows.ts";

const COLON = 58;
const LETTER_K = 107;

interface Field {
  readonly id: SeriesId;
  /** 1024 where the kernel prints kB, 1 for counts of pages. */
  readonly scale: number;
}

/** /proc/meminfo, every field, in bytes. */
export class MemoryGroup implements Group {
  readonly name = "meminfo";
  readonly pace = "fast";
  private readonly facts: Facts;
  private readonly file: KeptFile;
  private readonly rows = new Rows<Field>();

  constructor(facts: Facts) {
    this.facts = facts;
    this.file = facts.reader.file(facts.proc("meminfo"), "whole");
  }

  read(out: Columns): void {
    const scanner = this.file.read();
    for (let row = 0; scanner.pos < scanner.end; row++) {
      scanner.key(COLON);
      let field = this.rows.get(row, scanner.hash);
      const { hash, keyStart, keyEnd } = scanner;
      const value = scanner.integer();
      if (field === undefined) {
        scanner.skipSpaces();
        const inKilobytes = scanner.pos < scanner.end && scanner.bytes[scanner.pos] === LETTER_K;
        field = this.rows.set(row, hash, this.learn(scanner.text(keyStart, keyEnd), inKilobytes));
      }
      out.push(field.id, value * field.scale);
      scanner.skipLine();
    }
  }

  close(): void {
    this.file.close();
  }

  private learn(key: string, inKilobytes: boolean): Field {
    const name = `node_memory_${key.replace(/\((.*)\)/, "_$1")}${inKilobytes ? "_bytes" : ""}`;
    return { id: this.facts.series(name), scale: inKilobytes ? 1024 : 1 };
  }
}
