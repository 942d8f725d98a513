import type { SeriesId } from "all-use-agent/sdk";
import type { Columns } from "./columns.ts";
import type { Facts, Group } from "./group.ts";
import type { KeptFile } from "./reader.ts";
import { Rows } from "./rows.ts";

const NANOSECONDS = 1e9;
/** Numbers of a CPU's line before the time its tasks ran. */
const BEFORE_RUNNING = 6;

/** /proc/schedstat, where the kernel keeps it: time tasks ran and time they waited for the CPU. */
export class SchedstatGroup implements Group {
  readonly name = "schedstat";
  readonly pace = "fast";
  readonly optional = true;
  readonly needs: string;
  private readonly facts: Facts;
  private readonly file: KeptFile;
  private readonly rows = new Rows<readonly SeriesId[] | null>();

  constructor(facts: Facts) {
    this.facts = facts;
    this.needs = facts.proc("schedstat");
    this.file = facts.reader.file(facts.proc("schedstat"), "lines");
  }

  read(out: Columns): void {
    const scanner = this.file.read();
    for (let row = 0; scanner.pos < scanner.end; row++) {
      scanner.key(0);
      let ids = this.rows.get(row, scanner.hash);
      if (ids === undefined) ids = this.rows.set(row, scanner.hash, this.learn(scanner.keyText()));
      if (ids !== null) {
        for (let i = 0; i < BEFORE_RUNNING; i++) scanner.integer();
        out.push(ids[0], scanner.integer() / NANOSECONDS);
        out.push(ids[1], scanner.integer() / NANOSECONDS);
        out.push(ids[2], scanner.integer());
      }
      scanner.skipLine();
    }
  }

  close(): void {
    this.file.close();
  }

  private learn(key: string): readonly SeriesId[] | null {
    const cpu = /^cpu(\d+)$/.exec(key)?.[1];
    if (cpu === undefined) return null;
    return ["running_seconds", "waiting_seconds", "timeslices"].map((name) =>
      this.facts.series(`node_schedstat_${name}_total`, { cpu }),
    );
  }
}
