import type { SeriesId } from "all-use-agent/sdk";
import { Attributes, Devices } from "./attributes.ts";
import type { Columns } from "./columns.ts";
import type { Facts, Group } from "./group.ts";
import type { KeptFile } from "./reader.ts";

/** Files of /sys/class/net/<device>, the metric each feeds after `node_network_`, and its scale. */
const NUMBERS: readonly (readonly [string, string, number?])[] = [
  ["addr_assign_type", "address_assign_type"],
  ["carrier", "carrier"],
  ["carrier_changes", "carrier_changes_total"],
  ["carrier_up_count", "carrier_up_changes_total"],
  ["carrier_down_count", "carrier_down_changes_total"],
  ["dev_id", "device_id"],
  ["dormant", "dormant"],
  ["flags", "flags"],
  ["ifindex", "iface_id"],
  ["iflink", "iface_link"],
  ["link_mode", "iface_link_mode"],
  ["mtu", "mtu_bytes"],
  ["name_assign_type", "name_assign_type"],
  ["netdev_group", "net_dev_group"],
  // megabits to bytes
  ["speed", "speed_bytes", 125_000],
  ["tx_queue_len", "transmit_queue_length"],
  ["type", "protocol_type"],
];

const TEXTS = ["address", "broadcast", "duplex", "ifalias", "operstate"] as const;

/** One interface: its numbers, whether it is up, and an info series whose labels follow its texts. */
class Interface {
  private readonly facts: Facts;
  private readonly device: string;
  private readonly numbers: Attributes;
  private readonly texts: readonly KeptFile[];
  private readonly upId: SeriesId;
  private infoId = 0;
  private textHash: number | null = null;
  private up = 0;

  constructor(facts: Facts, device: string) {
    this.facts = facts;
    this.device = device;
    const folder = facts.sys(`class/net/${device}`);
    this.numbers = new Attributes(facts.reader);
    for (const [file, metric, scale] of NUMBERS) {
      this.numbers.add(`${folder}/${file}`, facts.series(`node_network_${metric}`, { device }), scale);
    }
    this.texts = TEXTS.map((name) => facts.reader.file(`${folder}/${name}`, true));
    this.upId = facts.series("node_network_up", { device });
  }

  read(out: Columns): void {
    if (!this.numbers.read(out)) return this.close();
    let hash = 17;
    for (const file of this.texts) hash = (Math.imul(hash, 31) + hashOf(file)) | 0;
    if (hash !== this.textHash) this.learn(hash);
    out.push(this.upId, this.up);
    out.push(this.infoId, 1);
  }

  close(): void {
    this.numbers.close();
    for (const file of this.texts) file.close();
  }

  private learn(hash: number): void {
    const labels: Record<string, string> = { device: this.device };
    TEXTS.forEach((name, i) => (labels[name] = textOf(this.texts[i])));
    this.infoId = this.facts.series("node_network_info", labels);
    this.up = labels.operstate === "up" ? 1 : 0;
    this.textHash = hash;
  }
}

/** /sys/class/net: the state of each interface. */
export class InterfaceGroup implements Group {
  readonly name = "netclass";
  readonly pace = "slow";
  readonly optional = true;
  private readonly facts: Facts;
  private readonly devices: Devices<Interface>;

  constructor(facts: Facts) {
    this.facts = facts;
    this.devices = new Devices((name) => new Interface(facts, name));
  }

  read(out: Columns): void {
    // The bonding driver puts a file of its own among the devices.
    const names = this.facts.reader.names(this.facts.sys("class/net")).filter((name) => name !== "bonding_masters");
    this.devices.read(names, out);
  }

  close(): void {
    this.devices.close();
  }
}

/** Some texts cannot be read in some states (`duplex` of a link that is down): they are empty then. */
function hashOf(file: KeptFile): number {
  try {
    const scanner = file.read();
    scanner.lineHash();
    return scanner.hash;
  } catch {
    return 0;
  }
}

function textOf(file: KeptFile): string {
  try {
    return file.read().all();
  } catch {
    return "";
  }
}
