import { Attributes } from "../attributes.ts";
import { DeviceGroup } from "../device-group.ts";
import type { Facts, Group } from "../group.ts";

const MICROJOULES = 1e6;

/**
 * Energy the processor's parts have used, by Intel's and AMD's running average power limit. Only root may read it since it
 * tells secrets (CVE-2020-8694): without that right there are no samples.
 */
export function raplGroup(facts: Facts): Group {
  const folder = facts.sys("class/powercap");
  const make = (zone: string): Attributes => {
    const attributes = new Attributes(facts.reader);
    const path = `${folder}/${zone}`;
    const name = facts.reader.text(`${path}/name`);
    if (name === null) return attributes;
    // `package-1` and `dram-1` say which one they are; `core` does not, and is 0.
    const [, part, index = "0"] = /^(.*?)(?:-(\d+))?$/.exec(name) ?? [];
    const metric = `node_rapl_${part.replace(/[^a-zA-Z0-9]/g, "_")}_joules_total`;
    return attributes.add(`${path}/energy_uj`, facts.series(metric, { index, path }), 1, MICROJOULES);
  };
  return new DeviceGroup({ name: "rapl", folder, pattern: /^intel-rapl(-mmio)?:/, make });
}
