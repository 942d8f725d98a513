import fs from "node:fs";
import { Attributes } from "../attributes.ts";
import type { Columns } from "../columns.ts";
import { DeviceGroup } from "../device-group.ts";
import type { Facts, Group } from "../group.ts";
import { Info } from "../info.ts";

const SECTOR_BYTES = 512;
const KINDS = ["data", "metadata", "system"] as const;
/** How often each byte is stored; of the parity levels it depends on the number of devices. */
const COPIES: Readonly<Record<string, number>> = {
  single: 1,
  raid0: 1,
  dup: 2,
  raid1: 2,
  raid10: 2,
  raid1c3: 3,
  raid1c4: 4,
};
const PARITY: Readonly<Record<string, number>> = { raid5: 1, raid6: 2 };

/** Lines of the file `commit_stats` (since Linux 6.1), by name, and what a unit is divided by. */
const COMMITS: readonly (readonly [line: string, metric: string, divisor: number])[] = [
  ["commits", "commits_total", 1],
  ["last_commit_ms", "last_commit_seconds", 1000],
  ["max_commit_ms", "max_commit_seconds", 1000],
  ["total_commit_ms", "commit_seconds_total", 1000],
];

/** One file system, by its UUID. */
class Btrfs {
  private readonly facts: Facts;
  private readonly folder: string;
  private readonly uuid: string;
  private readonly info: Info;
  private attributes: Attributes;
  private layout = "";

  constructor(facts: Facts, uuid: string) {
    this.facts = facts;
    this.uuid = uuid;
    this.folder = facts.sys(`fs/btrfs/${uuid}`);
    this.info = new Info(facts, "node_btrfs_info");
    this.attributes = new Attributes(facts.reader);
  }

  read(out: Columns): void {
    const { facts, uuid } = this;
    // Devices are added and space is rebalanced to other layouts while it is mounted.
    const devices = facts.reader.names(`${this.folder}/devices`);
    const modes = KINDS.map((kind) => this.modesOf(kind));
    const layout = JSON.stringify([devices, modes]);
    if (layout !== this.layout) {
      this.learn(devices, modes);
      this.layout = layout;
    }
    if (!this.attributes.read(out)) return;
    this.info.give(out, { uuid, label: facts.reader.text(`${this.folder}/label`) ?? "" });
    modes.forEach((names, i) => {
      for (const mode of names) {
        const labels = { uuid, block_group_type: KINDS[i], mode };
        out.push(facts.series("node_btrfs_allocation_ratio", labels), copiesOf(mode, devices.length));
      }
    });
    this.readCommits(out);
  }

  close(): void {
    this.attributes.close();
  }

  private modesOf(kind: string): string[] {
    try {
      const entries = fs.readdirSync(`${this.folder}/allocation/${kind}`, { withFileTypes: true });
      return entries
        .filter((entry) => entry.isDirectory())
        .map(({ name }) => name)
        .sort();
    } catch {
      return [];
    }
  }

  private learn(devices: readonly string[], modes: readonly (readonly string[])[]): void {
    const { facts, folder, uuid } = this;
    this.attributes.close();
    const attributes = (this.attributes = new Attributes(facts.reader));
    attributes.add(`${folder}/allocation/global_rsv_size`, facts.series("node_btrfs_global_rsv_size_bytes", { uuid }));
    for (const device of devices) {
      const id = facts.series("node_btrfs_device_size_bytes", { uuid, device });
      attributes.add(`${folder}/devices/${device}/size`, id, SECTOR_BYTES);
    }
    KINDS.forEach((kind, i) => {
      const labels = { uuid, block_group_type: kind };
      const place = `${folder}/allocation/${kind}`;
      attributes.add(`${place}/bytes_reserved`, facts.series("node_btrfs_reserved_bytes", labels));
      for (const mode of modes[i]) {
        attributes.add(`${place}/${mode}/used_bytes`, facts.series("node_btrfs_used_bytes", { ...labels, mode }));
        attributes.add(`${place}/${mode}/total_bytes`, facts.series("node_btrfs_size_bytes", { ...labels, mode }));
      }
    });
  }

  private readCommits(out: Columns): void {
    const text = this.facts.reader.text(`${this.folder}/commit_stats`);
    if (text === null) return;
    for (const [line, metric, divisor] of COMMITS) {
      const value = new RegExp(`^${line} (\\d+)`, "m").exec(text)?.[1];
      if (value !== undefined) out.push(this.facts.series(`node_btrfs_${metric}`, { uuid: this.uuid }), Number(value) / divisor);
    }
  }
}

function copiesOf(mode: string, devices: number): number {
  const parity = PARITY[mode];
  return parity === undefined ? (COPIES[mode] ?? 0) : devices / (devices - parity);
}

/** /sys/fs/btrfs: space by kind and layout. Counts of device errors are to be had by system calls alone. */
export function btrfsGroup(facts: Facts): Group {
  return new DeviceGroup({
    name: "btrfs",
    folder: facts.sys("fs/btrfs"),
    // Beside the file systems stands a folder `features`.
    pattern: /^[0-9a-f]{8}-[0-9a-f-]+$/,
    make: (uuid) => new Btrfs(facts, uuid),
  });
}
