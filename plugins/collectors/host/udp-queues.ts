import type { SeriesId } from "all-use-agent/sdk";
import type { Columns } from "./columns.ts";
import type { Facts, Group } from "./group.ts";
import type { KeptFile } from "./reader.ts";

/** Columns of /proc/net/udp before `tx_queue:rx_queue`. */
const BEFORE_QUEUES = 4;

interface Version {
  readonly file: KeptFile;
  readonly transmitId: SeriesId;
  readonly receiveId: SeriesId;
}

/** /proc/net/udp and udp6: bytes waiting in the queues of all UDP sockets. */
export class UdpQueueGroup implements Group {
  readonly name = "udp_queues";
  readonly pace = "slow";
  readonly optional = true;
  private readonly versions: readonly Version[];

  constructor(facts: Facts) {
    const version = (file: string, ip: string): Version => ({
      file: facts.reader.file(facts.proc(`net/${file}`), "lines"),
      transmitId: facts.series("node_udp_queues", { queue: "tx", ip }),
      receiveId: facts.series("node_udp_queues", { queue: "rx", ip }),
    });
    this.versions = [version("udp", "v4"), version("udp6", "v6")];
  }

  read(out: Columns): void {
    for (const { file, transmitId, receiveId } of this.versions) {
      const scanner = file.read();
      let transmitBytes = 0;
      let receiveBytes = 0;
      scanner.skipLine();
      while (scanner.pos < scanner.end) {
        for (let i = 0; i < BEFORE_QUEUES; i++) scanner.skipWord();
        transmitBytes += scanner.hexadecimal();
        scanner.pos++;
        receiveBytes += scanner.hexadecimal();
        scanner.skipLine();
      }
      out.push(transmitId, transmitBytes);
      out.push(receiveId, receiveBytes);
    }
  }

  close(): void {
    for (const { file } of this.versions) file.close();
  }
}
