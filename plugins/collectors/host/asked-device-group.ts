import { readdir } from "node:fs/promises";
import { type Device, Devices } from "./attributes.ts";
import type { Columns } from "./columns.ts";
import type { DeviceGroupOptions } from "./device-group.ts";
import type { Group } from "./group.ts";

/**
 * A group of devices that have to be asked for what they say, through a slow bus or by the firmware: a chip on an I²C bus
 * takes a millisecond, a battery ten. They are asked on a thread, one after the other, so that neither the tick waits for them nor
 * storage for a thread; what they said is given at the next tick, once.
 */
export class AskedDeviceGroup<T extends Device> implements Group {
  readonly name: string;
  readonly pace = "fast";
  readonly optional = true;
  private readonly folder: string;
  private readonly everyMs: number;
  private readonly pattern: RegExp | undefined;
  private readonly devices: Devices<T>;
  private askedMs = -Infinity;
  private state: "idle" | "asking" | "answered" = "idle";
  private failure: Error | null = null;

  constructor(options: Omit<DeviceGroupOptions<T>, "pace">, everyMs: number) {
    this.name = options.name;
    this.folder = options.folder;
    this.pattern = options.pattern;
    this.devices = new Devices(options.make);
    this.everyMs = everyMs;
  }

  ready(): boolean {
    const nowMs = performance.now();
    if (this.state === "idle" && nowMs - this.askedMs >= this.everyMs) {
      this.askedMs = nowMs;
      this.state = "asking";
      void this.ask();
    }
    return this.state === "answered";
  }

  read(out: Columns): void {
    this.state = "idle";
    if (this.failure !== null) throw this.failure;
    this.devices.readAsked(out);
  }

  close(): void {
    this.devices.close();
  }

  private async ask(): Promise<void> {
    try {
      const { pattern } = this;
      const names = await readdir(this.folder);
      await this.devices.ask((pattern ? names.filter((name) => pattern.test(name)) : names).sort());
      this.failure = null;
    } catch (error) {
      this.failure = error as Error;
    }
    this.state = "answered";
  }
}
