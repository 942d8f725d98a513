import { readFile } from "node:fs/promises";
import type { SeriesId } from "all-use-agent/sdk";
import { AskedDeviceGroup } from "../asked-device-group.ts";
import type { Columns } from "../columns.ts";
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
  private readonly folder: string;
  private readonly host: string;
  private readonly info: Info;
  private readonly counters: readonly { readonly file: KeptFile; readonly id: SeriesId; value: number }[];
  private labels: Record<string, string> = {};

  constructor(facts: Facts, host: string) {
    this.host = host;
    this.folder = facts.sys(`class/fc_host/${host}`);
    this.info = new Info(facts, "node_fibrechannel_info");
    this.counters = COUNTERS.map(([file, metric]) => ({
      file: facts.reader.file(`${this.folder}/statistics/${file}`, "whole"),
      id: facts.series(`node_fibrechannel_${metric}`, { fc_host: host }),
      value: NaN,
    }));
  }

  async ask(): Promise<void> {
    const labels: Record<string, string> = { fc_host: this.host };
    for (const file of TEXTS) {
      const text = (await readFile(`${this.folder}/${file}`, "utf8").catch(() => "")).trim();
      labels[file] = ADDRESSES.has(file) ? text.replace(/^0x/, "") : text;
    }
    this.labels = labels;
    for (const counter of this.counters) counter.value = await counter.file.ask();
  }

  read(out: Columns): void {
    this.info.give(out, this.labels);
    for (const { id, value } of this.counters) if (value < NOT_COUNTED) out.push(id, value);
  }

  close(): void {
    for (const { file } of this.counters) file.close();
  }
}

/** /sys/class/fc_host: Fibre Channel adapters. */
export function fibreChannelGroup(facts: Facts): Group {
  const folder = facts.sys("class/fc_host");
  const make = (host: string) => new FibreHost(facts, host);
  return new AskedDeviceGroup({ name: "fibrechannel", folder, make }, facts.config.slow_interval_ms);
}
