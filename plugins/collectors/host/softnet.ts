import type { SeriesId } from "all-use-agent/sdk";
import type { Columns } from "./columns.ts";
import type { Facts, Group } from "./group.ts";
import type { KeptFile } from "./reader.ts";

const COLUMNS = ["processed", "dropped", "times_squeezed"] as const;
/** Where newer kernels print which CPU the line is of; on older ones it is the line's number. */
const CPU_COLUMN = 12;

/** /proc/net/softnet_stat: packets handled by each CPU, hexadecimal. */
export class SoftnetGroup implements Group {
  readonly name = "softnet";
  readonly pace = "fast";
  readonly optional = true;
  private readonly facts: Facts;
  private readonly file: KeptFile;
  private readonly ids: (readonly SeriesId[])[] = [];

  constructor(facts: Facts) {
    this.facts = facts;
    this.file = facts.reader.file(facts.proc("net/softnet_stat"), "lines");
  }

  read(out: Columns): void {
    const scanner = this.file.read();
    for (let line = 0; scanner.pos < scanner.end; line++) {
      const start = scanner.pos;
      let cpu = line;
      let column = 0;
      for (; column < CPU_COLUMN && !scanner.atLineEnd(); column++) scanner.skipWord();
      if (column === CPU_COLUMN && !scanner.atLineEnd()) cpu = scanner.hexadecimal();
      scanner.pos = start;
      const ids = (this.ids[cpu] ??= COLUMNS.map((name) =>
        this.facts.series(`node_softnet_${name}_total`, { cpu: String(cpu) }),
      ));
      for (let i = 0; i < COLUMNS.length; i++) out.push(ids[i], scanner.hexadecimal());
      scanner.skipLine();
    }
  }

  close(): void {
    this.file.close();
  }
}
