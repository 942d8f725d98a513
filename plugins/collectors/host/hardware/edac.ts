import { Attributes } from "../attributes.ts";
import { DeviceGroup } from "../device-group.ts";
import type { Facts, Group } from "../group.ts";

const KINDS = [
  ["ce", "correctable"],
  ["ue", "uncorrectable"],
] as const;

/** Memory errors that the memory controllers saw, corrected (ce) or not (ue), by controller and chip-select row. */
export function edacGroup(facts: Facts): Group {
  const { reader } = facts;
  const folder = facts.sys("devices/system/edac/mc");
  const make = (name: string): Attributes => {
    const attributes = new Attributes(reader);
    const controller = name.slice("mc".length);
    for (const [file, kind] of KINDS) {
      const ofRow = (csrow: string) => facts.series(`node_edac_csrow_${kind}_errors_total`, { controller, csrow });
      attributes.add(`${folder}/${name}/${file}_count`, facts.series(`node_edac_${kind}_errors_total`, { controller }));
      // Errors of which the controller could not say where they were.
      attributes.add(`${folder}/${name}/${file}_noinfo_count`, ofRow("unknown"));
      for (const row of reader.names(`${folder}/${name}`)) {
        if (/^csrow\d+$/.test(row)) attributes.add(`${folder}/${name}/${row}/${file}_count`, ofRow(row.slice("csrow".length)));
      }
    }
    return attributes;
  };
  return new DeviceGroup({ name: "edac", folder, pattern: /^mc\d+$/, make });
}
