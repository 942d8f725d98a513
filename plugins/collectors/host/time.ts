import fs from "node:fs";
import type { Clock, SeriesId } from "all-use-agent/sdk";
import type { Columns } from "./columns.ts";
import type { Facts, Group } from "./group.ts";

/** The clock as the agent sees it. */
export class TimeGroup implements Group {
  readonly name = "time";
  readonly pace = "fast";
  private readonly clock: Clock;
  private readonly id: SeriesId;

  constructor(facts: Pick<Facts, "series">, clock: Clock) {
    this.clock = clock;
    this.id = facts.series("node_time_seconds");
  }

  read(out: Columns): void {
    out.push(this.id, this.clock.now() / 1000);
  }

  close(): void {}
}

/** Time zone and clock sources. */
export class ClockSourceGroup implements Group {
  readonly name = "clocksource";
  readonly pace = "rare";
  private readonly facts: Facts;
  private readonly clock: Clock;

  constructor(facts: Facts, clock: Clock) {
    this.facts = facts;
    this.clock = clock;
  }

  read(out: Columns): void {
    const { facts } = this;
    const offsetSeconds = -new Date(this.clock.now()).getTimezoneOffset() * 60;
    out.push(facts.series("node_time_zone_offset_seconds", { time_zone: zoneName(offsetSeconds) }), offsetSeconds);
    const folder = facts.sys("devices/system/clocksource");
    for (const name of facts.reader.names(folder)) {
      const device = /^clocksource(\d+)$/.exec(name)?.[1];
      if (device === undefined) continue;
      const words = (file: string) => (facts.reader.text(`${folder}/${name}/${file}`) ?? "").split(/\s+/).filter(Boolean);
      for (const clocksource of words("available_clocksource")) {
        out.push(facts.series("node_time_clocksource_available_info", { device, clocksource }), 1);
      }
      for (const clocksource of words("current_clocksource")) {
        out.push(facts.series("node_time_clocksource_current_info", { device, clocksource }), 1);
      }
    }
  }

  close(): void {}
}

let zone: { readonly offsetSeconds: number; readonly name: string } | null = null;

/** What people there call the zone at this offset (`CET`, `CEST`), from the zone file; read again when the offset changes. */
function zoneName(offsetSeconds: number): string {
  if (zone?.offsetSeconds !== offsetSeconds) zone = { offsetSeconds, name: readZoneName(offsetSeconds) };
  return zone.name;
}

/**
 * TZif, RFC 8536: the first block has 32-bit times, the second the same in 64 bits. Only its table of types is needed:
 * of those with the present offset the one that came into use last.
 */
function readZoneName(offsetSeconds: number): string {
  try {
    const path = process.env.TZ ? `/usr/share/zoneinfo/${process.env.TZ.replace(/^:/, "")}` : "/etc/localtime";
    const file = fs.readFileSync(path);
    if (file.toString("latin1", 0, 4) !== "TZif") return "UTC";
    const counts = (at: number) => [20, 24, 28, 32, 36, 40].map((offset) => file.readUInt32BE(at + offset));
    const [utc1, standard1, leaps1, times1, types1, chars1] = counts(0);
    const second = 44 + times1 * 5 + types1 * 6 + chars1 + leaps1 * 8 + standard1 + utc1;
    const [, , , times, types, chars] = counts(second);
    const uses = second + 44 + times * 8;
    const table = uses + times;
    const order = [...Array.from({ length: types }, (_, i) => i), ...file.subarray(uses, table)];
    for (const type of order.reverse()) {
      if (file.readInt32BE(table + type * 6) !== offsetSeconds) continue;
      const start = table + types * 6 + file[table + type * 6 + 5];
      const text = file.toString("latin1", start, table + types * 6 + chars);
      return text.slice(0, text.indexOf("\0"));
    }
  } catch {
    // No zone files, as in small containers: Go says UTC then as well.
  }
  return "UTC";
}
