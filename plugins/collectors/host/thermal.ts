import { AskedDeviceGroup } from "./asked-device-group.ts";
import { Attributes } from "./attributes.ts";
import type { Facts, Group } from "./group.ts";

const MILLIDEGREES = 1000;

/** /sys/class/thermal: temperatures of zones, states of cooling devices. */
export function thermalGroup(facts: Facts): Group {
  const make = (device: string): Attributes => {
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
  };
  const pattern = /^(thermal_zone|cooling_device)\d+$/;
  return new AskedDeviceGroup(
    { name: "thermal_zone", folder: facts.sys("class/thermal"), pattern, make },
    facts.config.slow_interval_ms,
  );
}
