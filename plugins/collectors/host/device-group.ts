import fs from "node:fs";
import { type Device, Devices } from "./attributes.ts";
import type { Columns } from "./columns.ts";
import type { Group, Pace } from "./group.ts";

export interface DeviceGroupOptions<T extends Device> {
  readonly name: string;
  /** Where the kernel lists the devices; a machine without such devices does not have it. */
  readonly folder: string;
  /** What of it is a device; everything where absent. */
  readonly pattern?: RegExp;
  readonly pace?: Pace;
  readonly make: (name: string) => T;
}

/** A group of one part for each entry of a folder of sysfs or procfs: devices that come and go. */
export class DeviceGroup<T extends Device> implements Group {
  readonly name: string;
  readonly pace: Pace;
  readonly optional = true;
  readonly needs: string;
  private readonly pattern: RegExp | undefined;
  private readonly devices: Devices<T>;

  constructor(options: DeviceGroupOptions<T>) {
    this.name = options.name;
    this.pace = options.pace ?? "slow";
    this.needs = options.folder;
    this.pattern = options.pattern;
    this.devices = new Devices(options.make);
  }

  read(out: Columns): void {
    let names = fs.readdirSync(this.needs);
    const { pattern } = this;
    if (pattern) names = names.filter((name) => pattern.test(name));
    this.devices.read(names.sort(), out);
  }

  close(): void {
    this.devices.close();
  }
}
