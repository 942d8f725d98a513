import type { SeriesId } from "all-use-agent/sdk";
import type { Columns } from "./columns.ts";
import type { Facts, Group } from "./group.ts";
import { type KeptFile, Rows } from "./reader.ts";

const COLON = 58;

/** The columns of /proc/net/dev. */
const COLUMNS = [
  "receive_bytes",
  "receive_packets",
  "receive_errs",
  "receive_drop",
  "receive_fifo",
  "receive_frame",
  "receive_compressed",
  "receive_multicast",
  "transmit_bytes",
  "transmit_packets",
  "transmit_errs",
  "transmit_drop",
  "transmit_fifo",
  "transmit_colls",
  "transmit_carrier",
  "transmit_compressed",
] as const;

interface Device {
  readonly ids: readonly SeriesId[];
  readonly noHandlerId: SeriesId;
  readonly noHandler: KeptFile;
}

/** /proc/net/dev, and from sysfs the packets that nobody wanted, which it does not list. */
export class NetworkGroup implements Group {
  readonly name = "netdev";
  readonly pace = "fast";
  readonly optional = true;
  private readonly facts: Facts;
  private readonly file: KeptFile;
  private readonly exclude: RegExp;
  private readonly rows = new Rows<Device | null>();
  private readonly devices = new Map<string, Device>();
  private present: Device[] = [];

  constructor(facts: Facts) {
    this.facts = facts;
    this.file = facts.reader.file(facts.proc("net/dev"));
    this.exclude = new RegExp(facts.config.network_exclude);
  }

  read(out: Columns): void {
    const scanner = this.file.read();
    scanner.skipLine();
    scanner.skipLine();
    let count = 0;
    let learnt = false;
    for (let row = 0; scanner.pos < scanner.end; row++) {
      scanner.key(COLON);
      let device = this.rows.get(row, scanner.hash);
      if (device === undefined) {
        device = this.rows.set(row, scanner.hash, this.learn(scanner.keyText()));
        learnt = true;
      }
      if (device !== null) {
        for (let i = 0; i < COLUMNS.length; i++) out.push(device.ids[i], scanner.integer());
        this.present[count++] = device;
      }
      scanner.skipLine();
    }
    if (learnt || count !== this.present.length) this.forget(count);
    for (let i = 0; i < count; i++) {
      const value = this.present[i].noHandler.number();
      if (Number.isNaN(value)) this.present[i].noHandler.close();
      else out.push(this.present[i].noHandlerId, value);
    }
  }

  close(): void {
    this.file.close();
    for (const device of this.devices.values()) device.noHandler.close();
  }

  /** Closes the files of devices that are gone. */
  private forget(count: number): void {
    this.present.length = count;
    for (const [name, device] of this.devices) {
      if (this.present.includes(device)) continue;
      device.noHandler.close();
      this.devices.delete(name);
    }
  }

  private learn(name: string): Device | null {
    if (this.exclude.test(name)) return null;
    const { facts } = this;
    // A name may come back as another device: its old files would answer for the one that is gone.
    this.devices.get(name)?.noHandler.close();
    const device: Device = {
      ids: COLUMNS.map((column) => facts.series(`node_network_${column}_total`, { device: name })),
      noHandlerId: facts.series("node_network_receive_nohandler_total", { device: name }),
      noHandler: facts.reader.file(facts.sys(`class/net/${name}/statistics/rx_nohandler`), true),
    };
    this.devices.set(name, device);
    return device;
  }
}
