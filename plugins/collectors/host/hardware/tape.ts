import { Attributes } from "../attributes.ts";
import { DeviceGroup } from "../device-group.ts";
import type { Facts, Group } from "../group.ts";

/** Multiplied, not divided, so that the last digit is node exporter's too. */
const SECONDS_PER_NS = 1e-9;

/** A file of /sys/class/scsi_tape/<device>/stats, the metric after `node_tape_`, and its scale. */
const FILES: readonly (readonly [file: string, metric: string, scale?: number])[] = [
  ["in_flight", "io_now"],
  ["io_ns", "io_time_seconds_total", SECONDS_PER_NS],
  ["other_cnt", "io_others_total"],
  ["read_byte_cnt", "read_bytes_total"],
  ["read_cnt", "reads_completed_total"],
  ["read_ns", "read_time_seconds_total", SECONDS_PER_NS],
  ["resid_cnt", "residual_total"],
  ["write_byte_cnt", "written_bytes_total"],
  ["write_cnt", "writes_completed_total"],
  ["write_ns", "write_time_seconds_total", SECONDS_PER_NS],
];

/** SCSI tape drives; the other entries of the class are the same drive rewinding, or in another mode. */
export function tapeGroup(facts: Facts): Group {
  const folder = facts.sys("class/scsi_tape");
  const make = (device: string): Attributes => {
    const attributes = new Attributes(facts.reader);
    for (const [file, metric, scale] of FILES) {
      attributes.add(`${folder}/${device}/stats/${file}`, facts.series(`node_tape_${metric}`, { device }), scale);
    }
    return attributes;
  };
  return new DeviceGroup({ name: "tapestats", folder, pattern: /^st\d+$/, make });
}
