import type { SeriesId } from "all-use-agent/sdk";
import { DeviceGroup } from "../device-group.ts";
import type { Facts, Group } from "../group.ts";
import { Rows } from "../rows.ts";

const BTREE = ["lookups", "compares", "records_inserted", "records_deleted"];

/** Lines of the file `stats` that are told, and what the numbers of each are, in order. */
const LINES: Readonly<Record<string, readonly [prefix: string, names: readonly string[]]>> = {
  extent_alloc: ["extent_allocation", ["extents_allocated", "blocks_allocated", "extents_freed", "blocks_freed"]],
  abt: ["allocation_btree", BTREE],
  blk_map: [
    "block_mapping",
    [
      "reads",
      "writes",
      "unmaps",
      "extent_list_insertions",
      "extent_list_deletions",
      "extent_list_lookups",
      "extent_list_compares",
    ],
  ],
  bmbt: ["block_map_btree", BTREE],
  dir: ["directory_operation", ["lookup", "create", "remove", "getdents"]],
  ig: ["inode_operation", ["attempts", "found", "recycled", "missed", "duplicates", "reclaims", "attribute_changes"]],
  rw: ["", ["write_calls", "read_calls"]],
  vnodes: ["vnode", ["active", "allocate", "get", "hold", "release", "reclaim", "remove"]],
};

/** /sys/fs/xfs/<device>/stats/stats: what each XFS file system has done. */
export function xfsGroup(facts: Facts): Group {
  const folder = facts.sys("fs/xfs");
  const make = (device: string) => {
    const file = facts.reader.file(`${folder}/${device}/stats/stats`, "whole");
    const rows = new Rows<readonly SeriesId[]>();
    const learn = (key: string): SeriesId[] => {
      const [prefix, names] = LINES[key] ?? ["", []];
      return names.map((name) => facts.series(`node_xfs_${prefix && `${prefix}_`}${name}_total`, { device }));
    };
    return {
      read: (out: Parameters<Group["read"]>[0]) => {
        const scanner = file.tryRead();
        if (scanner === null) return file.close();
        for (let row = 0; scanner.pos < scanner.end; row++) {
          scanner.key(0);
          const ids = rows.get(row, scanner.hash) ?? rows.set(row, scanner.hash, learn(scanner.keyText()));
          for (let i = 0; i < ids.length && !scanner.atLineEnd(); i++) out.push(ids[i], scanner.integer());
          scanner.skipLine();
        }
      },
      close: () => file.close(),
    };
  };
  // `stats` beside the devices is of all together.
  return new DeviceGroup({ name: "xfs", folder, pattern: /^(?!stats$|debug$|error$)/, make });
}
