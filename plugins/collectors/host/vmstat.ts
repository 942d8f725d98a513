import type { SeriesId } from "all-use-agent/sdk";
import type { Columns } from "./columns.ts";
import type { Facts, Group } from "./group.ts";
import type { KeptFile } from "./reader.ts";
import { Rows } from "./rows.ts";

/** /proc/vmstat */
export class VmstatGroup implements Group {
  readonly name = "vmstat";
  readonly pace = "fast";
  readonly optional = true;
  private readonly facts: Facts;
  private readonly file: KeptFile;
  /** Of some two hundred fields those that are told. */
  private readonly fields: RegExp;
  private readonly rows = new Rows<SeriesId | null>();

  constructor(facts: Facts) {
    this.facts = facts;
    this.fields = new RegExp(facts.config.vmstat_fields);
    this.file = facts.reader.file(facts.proc("vmstat"), "lines");
  }

  read(out: Columns): void {
    const scanner = this.file.read();
    for (let row = 0; scanner.pos < scanner.end; row++) {
      scanner.key(0);
      let id = this.rows.get(row, scanner.hash);
      if (id === undefined) id = this.rows.set(row, scanner.hash, this.learn(scanner.keyText()));
      if (id !== null) out.push(id, scanner.integer());
      scanner.skipLine();
    }
  }

  close(): void {
    this.file.close();
  }

  private learn(field: string): SeriesId | null {
    return this.fields.test(field) ? this.facts.series(`node_vmstat_${field}`) : null;
  }
}
