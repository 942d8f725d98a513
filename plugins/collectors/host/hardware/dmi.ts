import fs from "node:fs";
import type { Columns } from "../columns.ts";
import type { Facts, Group } from "../group.ts";
import { Info } from "../info.ts";

/** Files of /sys/class/dmi/id; each is a label of its name. */
const FILES = [
  "bios_date",
  "bios_release",
  "bios_vendor",
  "bios_version",
  "board_asset_tag",
  "board_name",
  "board_serial",
  "board_vendor",
  "board_version",
  "chassis_asset_tag",
  "chassis_serial",
  "chassis_vendor",
  "chassis_version",
  "product_family",
  "product_name",
  "product_serial",
  "product_sku",
  "product_uuid",
  "product_version",
  "sys_vendor",
] as const;

/** What the firmware says this machine is. Serial numbers are root's to read. */
export class DmiGroup implements Group {
  readonly name = "dmi";
  readonly pace = "rare";
  readonly optional = true;
  readonly needs: string;
  private readonly facts: Facts;
  private readonly info: Info;
  private labels: Record<string, string> | null = null;

  constructor(facts: Facts) {
    this.facts = facts;
    this.needs = facts.sys("class/dmi/id");
    this.info = new Info(facts, "node_dmi_info");
  }

  read(out: Columns): void {
    // It does not change before the next boot.
    this.labels ??= this.learn();
    if (Object.keys(this.labels).length > 0) this.info.give(out, this.labels);
  }

  close(): void {
    this.labels = null;
  }

  private learn(): Record<string, string> {
    const present = new Set(fs.readdirSync(this.needs));
    const labels: Record<string, string> = {};
    for (const file of FILES) {
      const text = present.has(file) ? this.facts.reader.text(`${this.needs}/${file}`) : null;
      if (text !== null) labels[file.replace("sys_", "system_")] = text;
    }
    return labels;
  }
}
