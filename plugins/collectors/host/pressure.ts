import type { SeriesId } from "all-use-agent/sdk";
import type { Columns } from "./columns.ts";
import type { Facts, Group } from "./group.ts";
import type { KeptFile } from "./reader.ts";

const EQUALS = 61;
const MICROSECONDS = 1e6;

/** One file of /proc/pressure: the line `some` first, then `full`, each ending in `total=` in microseconds. */
interface Resource {
  readonly file: KeptFile;
  /** null for a line that is not reported. */
  readonly ids: readonly (SeriesId | null)[];
}

/** Time lost waiting for CPU, disk and memory, where the kernel has pressure stall information. */
export class PressureGroup implements Group {
  readonly name = "pressure";
  readonly pace = "fast";
  readonly optional = true;
  private readonly resources: readonly Resource[];

  constructor(facts: Facts) {
    const resource = (name: string, ...lines: (string | null)[]): Resource => ({
      file: facts.reader.file(facts.proc(`pressure/${name}`), "whole"),
      ids: lines.map((line) => (line === null ? null : facts.series(`node_pressure_${name}_${line}_seconds_total`))),
    });
    // `full` of the CPU is defined as 0 for the whole machine.
    this.resources = [
      resource("cpu", "waiting", null),
      resource("io", "waiting", "stalled"),
      resource("memory", "waiting", "stalled"),
    ];
  }

  read(out: Columns): void {
    for (let r = 0; r < this.resources.length; r++) {
      const { file, ids } = this.resources[r];
      const scanner = file.read();
      for (let line = 0; line < ids.length && scanner.pos < scanner.end; line++) {
        scanner.skipLine();
        const id = ids[line];
        if (id === null) continue;
        const next = scanner.pos;
        while (scanner.pos > 0 && scanner.bytes[scanner.pos - 1] !== EQUALS) scanner.pos--;
        out.push(id, scanner.integer() / MICROSECONDS);
        scanner.pos = next;
      }
    }
  }

  close(): void {
    for (const { file } of this.resources) file.close();
  }
}
