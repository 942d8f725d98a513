import fs from "node:fs";
import type { SeriesId } from "all-use-agent/sdk";
import type { Columns } from "./columns.ts";
import type { Facts, Group } from "./group.ts";
import { type Slice, sliced } from "./slices.ts";

const ATA: Readonly<Record<string, string>> = {
  ID_ATA_WRITE_CACHE: "node_disk_ata_write_cache",
  ID_ATA_WRITE_CACHE_ENABLED: "node_disk_ata_write_cache_enabled",
  ID_ATA_ROTATION_RATE_RPM: "node_disk_ata_rotation_rate_rpm",
};

interface Known {
  /** The text it was made from, so that it is made anew only when udev says something else. */
  readonly source: string;
  readonly samples: readonly (readonly [SeriesId, number])[];
}

/** What udev knows of each block device: model, serial, file system, device mapper, ATA. */
class DiskInfoGroup implements Group {
  readonly name = "diskinfo";
  readonly pace = "rare";
  readonly optional = true;
  private readonly facts: Facts;
  private readonly slice: Slice;
  private readonly known = new Map<string, Known>();

  constructor(facts: Facts, slice: Slice) {
    this.facts = facts;
    this.slice = slice;
  }

  read(out: Columns): void {
    const { facts, known } = this;
    const present = new Set<string>();
    for (const numbered of this.slice()) {
      const [major, minor, device] = numbered.split(" ");
      present.add(device);
      const path = `${facts.config.rootfs_path}/run/udev/data/b${major}:${minor}`;
      // Without udev, as in containers, there is none; asking costs less than being refused.
      const source = `${numbered}\n${fs.existsSync(path) ? (facts.reader.text(path) ?? "") : ""}`;
      let entry = known.get(device);
      if (entry?.source !== source) known.set(device, (entry = { source, samples: this.learn(device, major, minor, source) }));
      for (const [id, value] of entry.samples) out.push(id, value);
    }
    for (const device of known.keys()) if (!present.has(device)) known.delete(device);
  }

  close(): void {
    this.known.clear();
  }

  private learn(device: string, major: string, minor: string, source: string): [SeriesId, number][] {
    const { facts } = this;
    const udev: Record<string, string | undefined> = {};
    for (const [, name, value] of source.matchAll(/^E:([^=\n]+)=(.*)$/gm)) udev[name] = value;
    const samples: [SeriesId, number][] = [];
    const add = (name: string, labels: Record<string, string>, value = 1) =>
      samples.push([facts.series(name, { device, ...labels }), value]);
    add("node_disk_info", {
      major,
      minor,
      path: udev.ID_PATH ?? "",
      wwn: udev.ID_WWN ?? "",
      model: udev.ID_MODEL ?? "",
      serial: udev.SCSI_IDENT_SERIAL || udev.ID_SERIAL_SHORT || "",
      revision: udev.ID_REVISION ?? "",
    });
    if (udev.ID_FS_TYPE) {
      add("node_disk_filesystem_info", {
        type: udev.ID_FS_TYPE,
        usage: udev.ID_FS_USAGE ?? "",
        uuid: udev.ID_FS_UUID ?? "",
        version: udev.ID_FS_VERSION ?? "",
      });
    }
    if (udev.DM_NAME) {
      add("node_disk_device_mapper_info", {
        name: udev.DM_NAME,
        uuid: udev.DM_UUID ?? "",
        vg_name: udev.DM_VG_NAME ?? "",
        lv_name: udev.DM_LV_NAME ?? "",
        lv_layer: udev.DM_LV_LAYER ?? "",
      });
    }
    if (udev.ID_ATA) {
      for (const [property, name] of Object.entries(ATA)) {
        const value = Number(udev[property]);
        if (udev[property] !== undefined && Number.isFinite(value)) add(name, {}, value);
      }
    }
    return samples;
  }
}

export function diskInfoGroups(facts: Facts): Group[] {
  const exclude = new RegExp(facts.config.disk_exclude);
  /** `8 0 sda`: udev's files are named by numbers. */
  const list = () => {
    const lines = facts.reader.text(facts.proc("diskstats"))?.split("\n") ?? [];
    const disks = lines.map((line) => line.trim().split(/\s+/, 3));
    return disks.filter(([, , device]) => device && !exclude.test(device)).map((disk) => disk.join(" "));
  };
  return sliced(list, (slice) => new DiskInfoGroup(facts, slice));
}
