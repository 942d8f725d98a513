import { cpus, freemem } from "node:os";
import { CHANNEL } from "./channels.ts";
import { growth, type Sensor } from "./sensor.ts";

/** What Node knows of any system: how busy the processors are, and how much memory is free. */
export class OsSensor implements Sensor {
  private busy = 0;
  private total = 0;

  read(row: Float64Array): void {
    row.fill(NaN);
    let busy = 0;
    let total = 0;
    for (const { times } of cpus()) {
      const used = times.user + times.nice + times.sys + times.irq;
      busy += used;
      total += used + times.idle;
    }
    const grown = growth(total, this.total);
    if (grown > 0) row[CHANNEL.cpu_busy_ratio] = growth(busy, this.busy) / grown;
    this.busy = busy;
    this.total = total;
    row[CHANNEL.memory_available_bytes] = freemem();
  }

  dispose(): void {}
}
