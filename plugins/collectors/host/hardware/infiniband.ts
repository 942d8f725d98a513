import { AskedDeviceGroup } from "../asked-device-group.ts";
import { Attributes } from "../attributes.ts";
import type { Columns } from "../columns.ts";
import type { Facts, Group } from "../group.ts";
import { Info } from "../info.ts";

const GIGABIT_BYTES = 125_000_000;
/** Data is counted in words of four octets (InfiniBand architecture 1, PortCounters). */
const WORD_BYTES = 4;

/** A file of a port, the metric after `node_infiniband_`, and its scale. */
const FILES: readonly (readonly [file: string, metric: string, scale?: number])[] = [
  ["state", "state_id"],
  ["phys_state", "physical_state_id"],
  ["rate", "rate_bytes_per_second", GIGABIT_BYTES],
  ["counters_ext/port_multicast_rcv_packets", "legacy_multicast_packets_received_total"],
  ["counters_ext/port_multicast_xmit_packets", "legacy_multicast_packets_transmitted_total"],
  ["counters_ext/port_rcv_data_64", "legacy_data_received_bytes_total", WORD_BYTES],
  ["counters_ext/port_rcv_packets_64", "legacy_packets_received_total"],
  ["counters_ext/port_unicast_rcv_packets", "legacy_unicast_packets_received_total"],
  ["counters_ext/port_unicast_xmit_packets", "legacy_unicast_packets_transmitted_total"],
  ["counters_ext/port_xmit_data_64", "legacy_data_transmitted_bytes_total", WORD_BYTES],
  ["counters_ext/port_xmit_packets_64", "legacy_packets_transmitted_total"],
  ["counters/excessive_buffer_overrun_errors", "excessive_buffer_overrun_errors_total"],
  ["counters/link_downed", "link_downed_total"],
  ["counters/link_error_recovery", "link_error_recovery_total"],
  ["counters/local_link_integrity_errors", "local_link_integrity_errors_total"],
  ["counters/multicast_rcv_packets", "multicast_packets_received_total"],
  ["counters/multicast_xmit_packets", "multicast_packets_transmitted_total"],
  ["counters/port_rcv_constraint_errors", "port_constraint_errors_received_total"],
  ["counters/port_rcv_data", "port_data_received_bytes_total", WORD_BYTES],
  ["counters/port_rcv_discards", "port_discards_received_total"],
  ["counters/port_rcv_errors", "port_errors_received_total"],
  ["counters/port_rcv_packets", "port_packets_received_total"],
  ["counters/port_rcv_remote_physical_errors", "port_receive_remote_physical_errors_total"],
  ["counters/port_rcv_switch_relay_errors", "port_receive_switch_relay_errors_total"],
  ["counters/port_xmit_constraint_errors", "port_constraint_errors_transmitted_total"],
  ["counters/port_xmit_data", "port_data_transmitted_bytes_total", WORD_BYTES],
  ["counters/port_xmit_discards", "port_discards_transmitted_total"],
  ["counters/port_xmit_packets", "port_packets_transmitted_total"],
  ["counters/port_xmit_wait", "port_transmit_wait_total"],
  ["counters/symbol_error", "symbol_error_total"],
  ["counters/unicast_rcv_packets", "unicast_packets_received_total"],
  ["counters/unicast_xmit_packets", "unicast_packets_transmitted_total"],
  ["counters/VL15_dropped", "vl15_dropped_total"],
];

class Adapter {
  private readonly facts: Facts;
  private readonly folder: string;
  private readonly device: string;
  private readonly attributes: Attributes;
  private readonly info: Info;

  constructor(facts: Facts, device: string) {
    const { reader } = facts;
    this.facts = facts;
    this.device = device;
    this.folder = facts.sys(`class/infiniband/${device}`);
    this.attributes = new Attributes(reader);
    this.info = new Info(facts, "node_infiniband_info");
    for (const port of reader.names(`${this.folder}/ports`)) {
      const place = `${this.folder}/ports/${port}`;
      const present = new Set(
        ["counters", "counters_ext"].flatMap((part) => reader.names(`${place}/${part}`).map((name) => `${part}/${name}`)),
      );
      for (const [file, metric, scale] of FILES) {
        if (file.includes("/") && !present.has(file)) continue;
        this.attributes.add(`${place}/${file}`, facts.series(`node_infiniband_${metric}`, { device, port }), scale);
      }
    }
  }

  ask(): Promise<void> {
    return this.attributes.ask();
  }

  read(out: Columns): void {
    const { facts, folder, device } = this;
    if (!this.attributes.read(out)) return;
    const text = (file: string) => facts.reader.text(`${folder}/${file}`) ?? "";
    this.info.give(out, { device, board_id: text("board_id"), firmware_version: text("fw_ver"), hca_type: text("hca_type") });
  }

  close(): void {
    this.attributes.close();
  }
}

/** /sys/class/infiniband: state, rate and counters of each port. */
export function infinibandGroup(facts: Facts): Group {
  const folder = facts.sys("class/infiniband");
  const make = (device: string) => new Adapter(facts, device);
  return new AskedDeviceGroup({ name: "infiniband", folder, make }, facts.config.slow_interval_ms);
}
