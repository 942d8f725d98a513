import type { SeriesId } from "all-use-agent/sdk";
import type { Columns } from "./columns.ts";
import type { Facts, Group } from "./group.ts";
import type { KeptFile } from "./reader.ts";

/** States by the kernel's numbers, include/net/tcp_states.h, from 1. */
const STATES = [
  "established",
  "syn_sent",
  "syn_recv",
  "fin_wait1",
  "fin_wait2",
  "time_wait",
  "close",
  "close_wait",
  "last_ack",
  "listen",
  "closing",
] as const;
/** Columns of a line before the state: its number, the local and the remote address. */
const BEFORE_STATE = 3;

/**
 * Connections by state, from /proc/net/tcp and tcp6. The kernel writes a line of 150 bytes for each connection, some
 * 1 ms for a thousand: for machines that want it.
 */
export class TcpStateGroup implements Group {
  readonly name = "tcpstat";
  readonly pace = "slow";
  readonly optional = true;
  private readonly files: readonly KeptFile[];
  private readonly ids: readonly SeriesId[];
  private readonly receivingId: SeriesId;
  private readonly sendingId: SeriesId;
  private readonly counts = new Float64Array(STATES.length);

  constructor(facts: Facts) {
    const series = (state: string) => facts.series("node_tcp_connection_states", { state });
    this.files = ["tcp", "tcp6"].map((name) => facts.reader.file(facts.proc(`net/${name}`), "lines"));
    this.ids = STATES.map(series);
    this.receivingId = series("rx_queued_bytes");
    this.sendingId = series("tx_queued_bytes");
  }

  read(out: Columns): void {
    const { counts } = this;
    counts.fill(0);
    let receiving = 0;
    let sending = 0;
    for (let f = 0; f < this.files.length; f++) {
      // tcp6 is missing where IPv6 is switched off.
      const scanner = f === 0 ? this.files[f].read() : this.files[f].tryRead();
      if (scanner === null) continue;
      scanner.skipLine();
      while (scanner.pos < scanner.end) {
        for (let i = 0; i < BEFORE_STATE; i++) scanner.skipWord();
        const state = scanner.hexadecimal();
        if (state >= 1 && state <= STATES.length) counts[state - 1]++;
        sending += scanner.hexadecimal();
        scanner.pos++;
        receiving += scanner.hexadecimal();
        scanner.skipLine();
      }
    }
    for (let i = 0; i < STATES.length; i++) out.push(this.ids[i], counts[i]);
    out.push(this.receivingId, receiving);
    out.push(this.sendingId, sending);
  }

  close(): void {
    for (const file of this.files) file.close();
  }
}
