import { DeviceGroup } from "../device-group.ts";
import type { Facts, Group } from "../group.ts";
import { Info } from "../info.ts";

/** Files of /sys/class/nvme/<device> and the labels they are. */
const TEXTS = [
  ["firmware_rev", "firmware_revision"],
  ["model", "model"],
  ["serial", "serial"],
  ["state", "state"],
] as const;

/** What each NVMe controller is, and whether it is live. */
export function nvmeGroup(facts: Facts): Group {
  const folder = facts.sys("class/nvme");
  return new DeviceGroup({
    name: "nvme",
    folder,
    pattern: /^nvme\d+$/,
    make: (device) => {
      const info = new Info(facts, "node_nvme_info");
      return {
        read: (out) => {
          const labels: Record<string, string> = { device };
          for (const [file, label] of TEXTS) labels[label] = facts.reader.text(`${folder}/${device}/${file}`) ?? "";
          info.give(out, labels);
        },
        close: () => {},
      };
    },
  });
}
