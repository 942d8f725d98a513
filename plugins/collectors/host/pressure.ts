import fs from "node:fs";
import type { SeriesId } from "all-use-agent/sdk";
import type { Columns } from "./columns.ts";
import type { Facts, Group } from "./group.ts";
import type { KeptFile } from "./reader.ts";
import type { Scanner } from "./scanner.ts";

const EQUALS = 61;
/** Twice, so that the last digit is node exporter's too. */
const THOUSAND = 1000;

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
  /** Since Linux 6.1, where the kernel accounts for the time of interrupts. */
  private readonly irq: Resource | null;

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
    this.irq = fs.existsSync(facts.proc("pressure/irq")) ? resource("irq", "stalled") : null;
  }

  read(out: Columns): void {
    for (let r = 0; r < this.resources.length; r++) readResource(this.resources[r].file.read(), this.resources[r].ids, out);
    if (this.irq !== null) readResource(this.irq.file.read(), this.irq.ids, out);
  }

  close(): void {
    for (const { file } of this.resources) file.close();
    this.irq?.file.close();
  }
}

function readResource(scanner: Scanner, ids: Resource["ids"], out: Columns): void {
  for (let line = 0; line < ids.length && scanner.pos < scanner.end; line++) {
    scanner.skipLine();
    const id = ids[line];
    if (id === null) continue;
    const next = scanner.pos;
    while (scanner.pos > 0 && scanner.bytes[scanner.pos - 1] !== EQUALS) scanner.pos--;
    out.push(id, scanner.integer() / THOUSAND / THOUSAND);
    scanner.pos = next;
  }
}
