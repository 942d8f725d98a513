import type { SeriesId } from "all-use-agent/sdk";
import type { Columns } from "./columns.ts";
import type { Facts, Group } from "./group.ts";
import type { KeptFile } from "./reader.ts";

/** /proc/loadavg */
export class LoadGroup implements Group {
  readonly name = "loadavg";
  readonly pace = "fast";
  private readonly file: KeptFile;
  private readonly ids: readonly SeriesId[];

  constructor(facts: Facts) {
    this.file = facts.reader.file(facts.proc("loadavg"), "whole");
    this.ids = [facts.series("node_load1"), facts.series("node_load5"), facts.series("node_load15")];
  }

  read(out: Columns): void {
    const scanner = this.file.read();
    for (let i = 0; i < this.ids.length; i++) out.push(this.ids[i], scanner.decimal());
  }

  close(): void {
    this.file.close();
  }
}
