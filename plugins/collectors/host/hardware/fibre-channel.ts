import type { SeriesId } from "all-use-agent/sdk";
import type { Columns } from "../columns.ts";
import { DeviceGroup } from "../device-group.ts";
import type { Facts, Group } from "../group.ts";
import { Info } from "../info.ts";
import type { KeptFile } from "../reader.ts";

/** Files of /sys/class/fc_host/<host> that are labels. */
const TEXTS = [
  "dev_loss_tmo",
  "fabric_name",
  "port_id",
  "port_name",
  "port_state",
  "port_type",
  "speed",
  "supported_classes",
  "supported_speeds",
  "symbolic_name",
] as const;
/** Addresses are told without `0x`. */
const ADDRESSES = new Set<string>(["fabric_name", "port_id", "port_name"]);

/** A file of the folder `statistics`, and the metric after `node_fibrechannel_`. */
const COUNTERS: readonly (readonly [file: string, metric: string])[] = [
  ["dumped_frames", "dumped_frames_total"],
  ["error_frames", "error_frames_total"],
  ["fcp_packet_aborts", "fcp_packet_aborts_total"],
  ["invalid_crc_count", "invalid_crc_total"],
  ["invalid_tx_word_count", "invalid_tx_words_total"],
  ["link_failure_count", "link_failure_total"],
  ["loss_of_signal_count", "loss_of_signal_total"],
  ["loss_of_sync_count", "loss_of_sync_total"],
  ["nos_count", "nos_total"],
  ["rx_frames", "rx_frames_total"],
  ["rx_words", "rx_words_total"],
  ["seconds_since_last_reset", "seconds_since_last_reset_total"],
  ["tx_frames", "tx_frames_total"],
  ["tx_words", "tx_words_total"],
];
/** All ones, as a double: the adapter does not count this. */
const NOT_COUNTED = 2 ** 64;

class FibreHost {
  private readonly facts: Facts;
  private readonly folder: string;
  private readonly host: string;
  private readonly info: Info;
  private readonly counters: readonly (readonly [KeptFile, SeriesId])[];

  constructor(facts: Facts, host: string) {
    this.facts = facts;
    this.host = host;
    this.folder = facts.sys(`class/fc_host/${host}`);
    this.info = new Info(facts, "node_fibrechannel_info");
    this.counters = COUNTERS.map(([file, metric]) => [
      facts.reader.file(`${this.folder}/statistics/${file}`, "whole"),
      facts.series(`node_fibrechannel_${metric}`, { fc_host: host }),
    ]);
  }

  read(out: Columns): void {
    const labels: Record<string, string> = { fc_host: this.host };
    for (const file of TEXTS) {
      const text = this.facts.reader.text(`${this.folder}/${file}`) ?? "";
      labels[file] = ADDRESSES.has(file) ? text.replace(/^0x/, "") : text;
    }
    this.info.give(out, labels);
    for (const [file, id] of this.counters) {
      const value = file.number();
      if (value < NOT_COUNTED) out.push(id, value);
    }
  }

  close(): void {
    for (const [file] of this.counters) file.close();
  }
}

/** /sys/class/fc_host: Fibre Channel adapters. */
export function fibreChannelGroup(facts: Facts): Group {
  return new DeviceGroup({
    name: "fibrechannel",
    folder: facts.sys("class/fc_host"),
    make: (host) => new FibreHost(facts, host),
  });
}
