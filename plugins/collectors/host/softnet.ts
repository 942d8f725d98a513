import type { SeriesId } from "all-use-agent/sdk";
import type { Columns } from "./columns.ts";
import type { Facts, Group } from "./group.ts";
import type { KeptFile } from "./reader.ts";

/** Numbers of a line from the left; null where older kernels counted something else and newer ones print 0. */
const COLUMNS = [
  "processed_total",
  "dropped_total",
  "times_squeezed_total",
  null,
  null,
  null,
  null,
  null,
  "cpu_collision_total",
  "received_rps_total",
  "flow_limit_count_total",
  "backlog_len",
] as const;
/** Where newer kernels print which CPU the line is of; on older ones it is the line's number. */
const CPU_COLUMN = 12;

/** /proc/net/softnet_stat: packets handled by each CPU, hexadecimal. */
export class SoftnetGroup implements Group {
  readonly name = "softnet";
  readonly pace = "fast";
  readonly optional = true;
  private readonly facts: Facts;
  private readonly file: KeptFile;
  private readonly ids: (readonly (SeriesId | null)[])[] = [];

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
      const ids = (this.ids[cpu] ??= this.learn(String(cpu)));
      for (let i = 0; i < column; i++) {
        const id = ids[i];
        const value = scanner.hexadecimal();
        if (id !== null) out.push(id, value);
      }
      scanner.skipLine();
    }
  }

  close(): void {
    this.file.close();
  }

  private learn(cpu: string): (SeriesId | null)[] {
    return COLUMNS.map((name) => (name === null ? null : this.facts.series(`node_softnet_${name}`, { cpu })));
  }
}
