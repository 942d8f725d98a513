import type { SeriesId } from "all-use-agent/sdk";
import { Attributes, Devices } from "./attributes.ts";
import type { Columns } from "./columns.ts";
import type { Facts, Group, Pace } from "./group.ts";
import { Info } from "./info.ts";
import type { KeptFile } from "./reader.ts";
import { type Slice, sliced } from "./slices.ts";

/** A file of /sys/class/net/<device>, the metric it feeds after `node_network_`, and its scale. */
type Attribute = readonly [file: string, metric: string, scale?: number];

/** What changes with the state of the link. */
const STATE: readonly Attribute[] = [
  ["carrier", "carrier"],
  ["carrier_changes", "carrier_changes_total"],
  ["carrier_up_count", "carrier_up_changes_total"],
  ["carrier_down_count", "carrier_down_changes_total"],
  ["dormant", "dormant"],
  ["flags", "flags"],
  ["mtu", "mtu_bytes"],
  // Megabits to bytes.
  ["speed", "speed_bytes", 125_000],
];
/** Packets that nobody wanted: the one counter of traffic that /proc/net/dev does not list. */
const NO_HANDLER: Attribute = ["statistics/rx_nohandler", "receive_nohandler_total"];

/** What an administrator sets once. */
const SETTINGS: readonly Attribute[] = [
  ["addr_assign_type", "address_assign_type"],
  ["dev_id", "device_id"],
  ["ifindex", "iface_id"],
  ["iflink", "iface_link"],
  ["link_mode", "iface_link_mode"],
  ["name_assign_type", "name_assign_type"],
  ["netdev_group", "net_dev_group"],
  ["tx_queue_len", "transmit_queue_length"],
  ["type", "protocol_type"],
];
const TEXTS = ["address", "broadcast", "duplex", "ifalias", "operstate"] as const;

function attributesOf(facts: Facts, device: string, list: readonly Attribute[]): Attributes {
  const attributes = new Attributes(facts.reader);
  for (const [file, metric, scale] of list) {
    attributes.add(facts.sys(`class/net/${device}/${file}`), facts.series(`node_network_${metric}`, { device }), scale);
  }
  return attributes;
}

class InterfaceState {
  private readonly attributes: Attributes;
  private readonly operstate: KeptFile;
  private readonly upId: SeriesId;
  private stateHash = 0;
  private up = 0;

  constructor(facts: Facts, device: string, withTraffic: boolean) {
    this.attributes = attributesOf(facts, device, withTraffic ? [...STATE, NO_HANDLER] : STATE);
    this.operstate = facts.reader.file(facts.sys(`class/net/${device}/operstate`), "whole");
    this.upId = facts.series("node_network_up", { device });
  }

  read(out: Columns): void {
    const state = this.operstate.tryRead();
    if (state === null) return this.close();
    state.lineHash();
    if (state.hash !== this.stateHash) {
      this.stateHash = state.hash;
      this.up = state.keyText() === "up" ? 1 : 0;
      // A link that was down would not say its speed; now it may.
      this.attributes.retry();
    }
    out.push(this.upId, this.up);
    this.attributes.read(out);
  }

  close(): void {
    this.attributes.close();
    this.operstate.close();
  }
}

class InterfaceIdentity {
  private readonly device: string;
  private readonly attributes: Attributes;
  private readonly texts: readonly (readonly [name: string, file: KeptFile])[];
  private operstate = "";
  private readonly info: Info;

  constructor(facts: Facts, device: string) {
    this.device = device;
    // Some cannot be read in some states, `duplex` of a link that is down: they are empty then, and are spared for a while.
    this.texts = TEXTS.map((name) => [name, facts.reader.file(facts.sys(`class/net/${device}/${name}`), "whole")]);
    this.info = new Info(facts, "node_network_info");
    this.attributes = attributesOf(facts, device, SETTINGS);
  }

  read(out: Columns): void {
    if (!this.attributes.read(out)) return this.close();
    const labels: Record<string, string> = { device: this.device };
    for (const [name, file] of this.texts) labels[name] = file.tryRead()?.all().trim() ?? "";
    if (labels.operstate !== this.operstate) {
      // A link that was down would not say its duplex; now it may.
      this.operstate = labels.operstate;
      for (const [name, file] of this.texts) {
        file.retry();
        labels[name] = file.tryRead()?.all().trim() ?? "";
      }
    }
    this.info.give(out, labels);
  }

  close(): void {
    this.attributes.close();
    for (const [, file] of this.texts) file.close();
  }
}

/** /sys/class/net: the state of each interface often, what it is called and set to seldom. */
class InterfaceGroup implements Group {
  readonly name = "netclass";
  readonly pace: Pace;
  readonly optional = true;
  private readonly slice: Slice;
  private readonly devices: Devices<InterfaceState | InterfaceIdentity>;

  constructor(facts: Facts, part: "state" | "identity", slice: Slice) {
    const exclude = new RegExp(facts.config.network_exclude);
    this.slice = slice;
    this.pace = part === "state" ? "slow" : "rare";
    this.devices = new Devices((name) =>
      part === "state" ? new InterfaceState(facts, name, !exclude.test(name)) : new InterfaceIdentity(facts, name),
    );
  }

  read(out: Columns): void {
    this.devices.read(this.slice(), out);
  }

  close(): void {
    this.devices.close();
  }
}

export function interfaceGroups(facts: Facts): Group[] {
  // The bonding driver puts a file of its own among the devices.
  const list = () => facts.reader.names(facts.sys("class/net")).filter((name) => name !== "bonding_masters");
  return (["state", "identity"] as const).flatMap((part) => sliced(list, (slice) => new InterfaceGroup(facts, part, slice)));
}
