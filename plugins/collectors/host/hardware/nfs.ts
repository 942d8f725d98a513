import type { SeriesId } from "all-use-agent/sdk";
import type { Columns } from "../columns.ts";
import type { Facts, Group } from "../group.ts";
import { Rows } from "../rows.ts";
import { CLIENT_4, PROCEDURES_2, PROCEDURES_3, SERVER_4 } from "./nfs-procedures.ts";

/** A line's numbers: what each is after the prefix, with labels; null for what is not told. */
type Told = readonly [metric: string, labels?: Record<string, string>] | null;
type Lines = Readonly<Record<string, readonly Told[]>>;

/** `proc3 22 …`: how many numbers follow, then how often each procedure was called. */
const requests = (proto: string, methods: readonly (string | null)[]): Told[] => [
  null,
  ...methods.map((method): Told => (method === null ? null : ["requests_total", { proto, method }])),
];

const CLIENT: Lines = {
  net: [null, ["packets_total", { protocol: "udp" }], ["packets_total", { protocol: "tcp" }], ["connections_total"]],
  rpc: [["rpcs_total"], ["rpc_retransmissions_total"], ["rpc_authentication_refreshes_total"]],
  proc2: requests("2", PROCEDURES_2),
  proc3: requests("3", PROCEDURES_3),
  proc4: requests("4", CLIENT_4),
};

const SERVER: Lines = {
  rc: [["reply_cache_hits_total"], ["reply_cache_misses_total"], ["reply_cache_nocache_total"]],
  fh: [["file_handles_stale_total"]],
  io: [["disk_bytes_read_total"], ["disk_bytes_written_total"]],
  th: [["server_threads"]],
  ra: [["read_ahead_cache_size_blocks"], ...Array<null>(10).fill(null), ["read_ahead_cache_not_found_total"]],
  net: [null, ["packets_total", { proto: "udp" }], ["packets_total", { proto: "tcp" }], ["connections_total"]],
  rpc: [
    ["server_rpcs_total"],
    null,
    ["rpc_errors_total", { error: "fmt" }],
    ["rpc_errors_total", { error: "auth" }],
    ["rpc_errors_total", { error: "cInt" }],
  ],
  // Its server does not count the empty procedure.
  proc2: requests("2", [null, ...PROCEDURES_2.slice(1)]),
  proc3: requests("3", [null, ...PROCEDURES_3.slice(1)]),
  proc4ops: requests("4", SERVER_4),
};

/** /proc/net/rpc/nfs and nfsd: a key, then numbers whose meaning is their place. */
class RpcGroup implements Group {
  readonly name: string;
  readonly pace = "slow";
  readonly optional = true;
  readonly needs: string;
  private readonly facts: Facts;
  private readonly lines: Lines;
  private readonly file;
  private readonly rows = new Rows<readonly (SeriesId | null)[]>();

  constructor(facts: Facts, name: string, lines: Lines) {
    this.name = name;
    this.facts = facts;
    this.needs = facts.proc(`net/rpc/${name}`);
    this.lines = lines;
    this.file = facts.reader.file(this.needs, "whole");
  }

  read(out: Columns): void {
    const scanner = this.file.read();
    for (let row = 0; scanner.pos < scanner.end; row++) {
      scanner.key(0);
      const ids = this.rows.get(row, scanner.hash) ?? this.rows.set(row, scanner.hash, this.learn(scanner.keyText()));
      for (let i = 0; i < ids.length && !scanner.atLineEnd(); i++) {
        const id = ids[i];
        const value = scanner.integer();
        if (id !== null) out.push(id, value);
      }
      scanner.skipLine();
    }
  }

  close(): void {
    this.file.close();
  }

  private learn(key: string): (SeriesId | null)[] {
    const told = this.lines[key] ?? [];
    return told.map((entry) => (entry === null ? null : this.facts.series(`node_${this.name}_${entry[0]}`, entry[1])));
  }
}

/** What this machine asks of NFS servers, and what its own answers. */
export function nfsGroups(facts: Facts): Group[] {
  return [new RpcGroup(facts, "nfs", CLIENT), new RpcGroup(facts, "nfsd", SERVER)];
}
