import type { SeriesId } from "all-use-agent/sdk";
import type { Columns } from "./columns.ts";
import type { KeptFile, Reader } from "./reader.ts";

/** Files of sysfs that hold one number each, with the series they feed. A file that will not say gives no sample. */
export class Attributes {
  private readonly reader: Reader;
  private readonly files: KeptFile[] = [];
  private readonly ids: SeriesId[] = [];
  private readonly scales: number[] = [];
  private readonly divisors: number[] = [];
  /** What the files said when they were asked; null where they are read when needed. */
  private asked: Float64Array | null = null;

  constructor(reader: Reader) {
    this.reader = reader;
  }

  /** `scale` and `divisor` turn the file's unit into the metric's; which of both decides about the last digit. */
  add(path: string, id: SeriesId, scale = 1, divisor = 1): this {
    this.files.push(this.reader.file(path, "whole"));
    this.ids.push(id);
    this.scales.push(scale);
    this.divisors.push(divisor);
    return this;
  }

  /** Asks the files on a thread, one after the other: `read` then gives what they said. */
  async ask(): Promise<void> {
    const answers = new Float64Array(this.files.length);
    for (let i = 0; i < answers.length; i++) answers[i] = await this.files[i].ask();
    this.asked = answers;
  }

  /**
   * Returns whether any file answered. If none did the device is gone, or was replaced by another of its name: its
   * files are closed, so that the next read opens what is there then.
   */
  read(out: Columns): boolean {
    const before = out.length;
    for (let i = 0; i < this.files.length; i++) {
      const value = this.asked === null ? this.files[i].number() : this.asked[i];
      if (!Number.isNaN(value)) out.push(this.ids[i], (value * this.scales[i]) / this.divisors[i]);
    }
    if (out.length > before) return true;
    this.close();
    return false;
  }

  /** Asks those again that would not say: the device's state has changed. */
  retry(): void {
    for (const file of this.files) file.retry();
  }

  close(): void {
    for (const file of this.files) file.close();
  }
}

/** One of several of a kind: gives its samples, and closes its files when it is gone. */
export interface Device {
  /** What has to happen on a thread before `read`. */
  ask?(): Promise<void>;
  read(out: Columns): unknown;
  close(): void;
}

/** Devices by name that come and go: new ones are made, vanished ones closed, the others read. */
export class Devices<T extends Device> {
  private readonly make: (name: string) => T;
  private readonly byName = new Map<string, T>();

  constructor(make: (name: string) => T) {
    this.make = make;
  }

  /** Devices that are new are made, those that are gone are closed. Returns those there are. */
  private current(names: readonly string[]): T[] {
    const devices = names.map((name) => {
      let device = this.byName.get(name);
      if (!device) this.byName.set(name, (device = this.make(name)));
      return device;
    });
    if (this.byName.size === names.length) return devices;
    for (const [name, device] of this.byName) {
      if (names.includes(name)) continue;
      device.close();
      this.byName.delete(name);
    }
    return devices;
  }

  read(names: readonly string[], out: Columns): void {
    for (const device of this.current(names)) device.read(out);
  }

  async ask(names: readonly string[]): Promise<void> {
    for (const device of this.current(names)) await device.ask?.();
  }

  /** Gives what those devices said that were asked last. */
  readAsked(out: Columns): void {
    for (const device of this.byName.values()) device.read(out);
  }

  close(): void {
    for (const device of this.byName.values()) device.close();
    this.byName.clear();
  }
}
