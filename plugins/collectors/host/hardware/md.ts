import type { Columns } from "../columns.ts";
import type { Facts, Group } from "../group.ts";

const STATES = ["active", "inactive", "recovering", "resync", "check"] as const;

/** One array of /proc/mdstat. */
export interface MdArray {
  readonly device: string;
  readonly state: string;
  readonly active: number;
  readonly required: number;
  readonly failed: number;
  readonly spare: number;
  readonly blocks: number;
  readonly synced: number;
}

/**
 * Reads /proc/mdstat: for each array a line `md0 : active raid1 sdb1[1] sda1[0]`, then indented lines with its size and, while it
 * is being rebuilt, how far that is.
 */
export function parseMdstat(text: string): MdArray[] {
  const arrays: MdArray[] = [];
  const lines = text.split("\n");
  for (let i = 0; i < lines.length; i++) {
    const match = /^(\S+) : (active|inactive) ?(.*)$/.exec(lines[i]);
    if (!match) continue;
    const [, device, activity, members] = match;
    const details: string[] = [];
    while (/^\s+\S/.test(lines[i + 1] ?? "")) details.push(lines[++i]);
    arrays.push(arrayOf(device, activity, members, details));
  }
  return arrays;
}

function arrayOf(device: string, activity: string, members: string, details: readonly string[]): MdArray {
  const count = (text: string) => members.split(text).length - 1;
  const blocks = Number(/(\d+) blocks/.exec(details[0] ?? "")?.[1] ?? 0);
  const status = /\[(\d+)\/(\d+)\] \[[U_]+\]/.exec(details[0] ?? "");
  // Arrays without redundancy print no status: they are whole or they are not.
  const whole = activity === "active" && /\b(raid0|linear)\b/.test(members) ? count("[") : 0;
  const sync = details.find((line) => /recovery|resync|check/.test(line));
  const waits = sync !== undefined && /PENDING|DELAYED/.test(sync);
  let state = activity;
  if (sync !== undefined) state = sync.includes("recovery") ? "recovering" : sync.includes("resync") ? "resync" : "check";
  return {
    device,
    state,
    required: status ? Number(status[1]) : whole,
    active: status ? Number(status[2]) : whole,
    failed: count("(F)"),
    spare: count("(S)"),
    blocks,
    synced: waits ? 0 : Number(/\((\d+)\/\d+\)/.exec(sync ?? "")?.[1] ?? blocks),
  };
}

/** Linux software RAID. */
export class MdGroup implements Group {
  readonly name = "mdadm";
  readonly pace = "slow";
  readonly optional = true;
  readonly needs: string;
  private readonly facts: Facts;
  private readonly file;

  constructor(facts: Facts) {
    this.facts = facts;
    this.needs = facts.proc("mdstat");
    this.file = facts.reader.file(this.needs, "long");
  }

  read(out: Columns): void {
    const { facts } = this;
    for (const array of parseMdstat(this.file.read().all())) {
      const { device } = array;
      for (const state of ["active", "failed", "spare"] as const) {
        out.push(facts.series("node_md_disks", { device, state }), array[state]);
      }
      out.push(facts.series("node_md_disks_required", { device }), array.required);
      for (const state of STATES) out.push(facts.series("node_md_state", { device, state }), array.state === state ? 1 : 0);
      out.push(facts.series("node_md_blocks", { device }), array.blocks);
      out.push(facts.series("node_md_blocks_synced", { device }), array.synced);
    }
  }

  close(): void {
    this.file.close();
  }
}
