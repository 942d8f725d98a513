import type { SeriesId } from "all-use-agent/sdk";
import type { Columns } from "../columns.ts";
import type { Facts, Group } from "../group.ts";

const TOTALS = ["connections", "incoming_packets", "outgoing_packets", "incoming_bytes", "outgoing_bytes"] as const;

/** Connections through one real server behind a virtual one. */
interface Backend {
  readonly labels: Record<string, string>;
  weight: number;
  active: number;
  inactive: number;
}

/** `C0A80016:0CEA` or `[2620:0000:…:0001]:0050`, hexadecimal, as address and port. */
function addressOf(text = ""): readonly [address: string, port: string] {
  const split = text.lastIndexOf(":");
  const host = text.slice(0, split);
  const port = String(parseInt(text.slice(split + 1), 16));
  // The one thing at hand that writes an IPv6 address in its short form.
  if (host.startsWith("["))
    return [URL.canParse(`http://${host}`) ? new URL(`http://${host}`).hostname.slice(1, -1) : host, port];
  return [(host.match(/../g) ?? []).map((byte) => parseInt(byte, 16)).join("."), port];
}

/** Reads /proc/net/ip_vs: a line for each virtual server, below it one `->` for each real one. */
export function parseBackends(text: string): Backend[] {
  const backends = new Map<string, Backend>();
  let service: Record<string, string> | null = null;
  for (const line of text.split("\n")) {
    const words = line.trim().split(/\s+/);
    const [first, second] = words;
    if (first === "TCP" || first === "UDP" || first === "SCTP") {
      const [local_address, local_port] = addressOf(second);
      service = { proto: first, local_address, local_port, local_mark: "" };
    } else if (first === "FWM") {
      service = { proto: first, local_address: "", local_port: "0", local_mark: second };
    } else if (first === "->" && service !== null && words.length >= 6) {
      const [remote_address, remote_port] = addressOf(second);
      const labels = { ...service, remote_address, remote_port };
      const key = JSON.stringify(labels);
      let backend = backends.get(key);
      if (!backend) backends.set(key, (backend = { labels, weight: 0, active: 0, inactive: 0 }));
      backend.weight += Number(words[3]);
      backend.active += Number(words[4]);
      backend.inactive += Number(words[5]);
    }
  }
  return [...backends.values()];
}

/** The kernel's load balancer. */
export class IpvsGroup implements Group {
  readonly name = "ipvs";
  readonly pace = "slow";
  readonly optional = true;
  readonly needs: string;
  private readonly facts: Facts;
  private readonly stats;
  private readonly table;
  private readonly ids: readonly SeriesId[];

  constructor(facts: Facts) {
    this.facts = facts;
    this.needs = facts.proc("net/ip_vs_stats");
    this.stats = facts.reader.file(facts.proc("net/ip_vs_stats"), "whole");
    this.table = facts.reader.file(facts.proc("net/ip_vs"), "long");
    this.ids = TOTALS.map((name) => facts.series(`node_ipvs_${name}_total`));
  }

  read(out: Columns): void {
    const { facts } = this;
    const scanner = this.stats.read();
    scanner.skipLine();
    scanner.skipLine();
    for (const id of this.ids) out.push(id, scanner.hexadecimal());
    for (const { labels, active, inactive, weight } of parseBackends(this.table.read().all())) {
      out.push(facts.series("node_ipvs_backend_connections_active", labels), active);
      out.push(facts.series("node_ipvs_backend_connections_inactive", labels), inactive);
      out.push(facts.series("node_ipvs_backend_weight", labels), weight);
    }
  }

  close(): void {
    this.stats.close();
    this.table.close();
  }
}
