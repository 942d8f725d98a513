import { Attributes, Devices } from "./attributes.ts";
import type { Columns } from "./columns.ts";
import type { Facts, Group } from "./group.ts";

const MILLIDEGREES = 1000;

/** /sys/class/thermal: temperatures of zones, states of cooling devices. */
export class ThermalGroup implements Group {
  readonly name = "thermal_zone";
  readonly pace = "slow";
  private readonly facts: Facts;
  private readonly devices: Devices<Attributes>;

  constructor(facts: Facts) {
    this.facts = facts;
    this.devices = new Devices((name) => this.make(name));
  }

  read(out: Columns): void {
    const names = this.facts.reader.names(this.facts.sys("class/thermal"));
    this.devices.read(
      names.filter((name) => /^(thermal_zone|cooling_device)\d+$/.test(name)),
      out,
    );
  }

  close(): void {
    this.devices.close();
  }

  private make(device: string): Attributes {
    const { facts } = this;
    const folder = facts.sys(`class/thermal/${device}`);
    const type = facts.reader.text(`${folder}/type`) ?? "";
    const attributes = new Attributes(facts.reader);
    if (device.startsWith("thermal_zone")) {
      const zone = device.slice("thermal_zone".length);
      return attributes.add(`${folder}/temp`, facts.series("node_thermal_zone_temp", { zone, type }), 1, MILLIDEGREES);
    }
    const name = device.slice("cooling_device".length);
    return attributes
      .add(`${folder}/cur_state`, facts.series("node_cooling_device_cur_state", { name, type }))
      .add(`${folder}/max_state`, facts.series("node_cooling_device_max_state", { name, type }));
  }
}
