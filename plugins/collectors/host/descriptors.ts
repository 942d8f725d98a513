import type { SeriesId } from "all-use-agent/sdk";
import type { Columns } from "./columns.ts";
import type { Facts, Group } from "./group.ts";
import type { KeptFile } from "./reader.ts";

/** /proc/sys/fs/file-nr: file descriptors in use on the whole machine, and the most there may be. */
export class DescriptorGroup implements Group {
  readonly name = "filefd";
  readonly pace = "fast";
  readonly optional = true;
  private readonly file: KeptFile;
  private readonly allocatedId: SeriesId;
  private readonly maximumId: SeriesId;

  constructor(facts: Facts) {
    this.file = facts.reader.file(facts.proc("sys/fs/file-nr"), "whole");
    this.allocatedId = facts.series("node_filefd_allocated");
    this.maximumId = facts.series("node_filefd_maximum");
  }

  read(out: Columns): void {
    const scanner = this.file.read();
    out.push(this.allocatedId, scanner.integer());
    scanner.skipWord();
    out.push(this.maximumId, scanner.integer());
  }

  close(): void {
    this.file.close();
  }
}
