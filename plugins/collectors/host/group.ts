import fs from "node:fs";
import type { Labels, MetricInfo, SeriesId } from "all-use-agent/sdk";
import type { Columns } from "./columns.ts";
import type { Reader } from "./reader.ts";

/** The plugin's configuration, defaults filled in. Units in the names. */
export interface HostConfig {
  interval_ms: number;
  slow_interval_ms: number;
  source: "auto" | "proc" | "systeminformation";
  proc_path: string;
  sys_path: string;
  rootfs_path: string;
  disk_exclude: string;
  filesystem_type_exclude: string;
  filesystem_mount_exclude: string;
  network_exclude: string;
  netstat_fields: string;
  vmstat_fields: string;
  tcp_states: boolean;
  textfile_directory: string;
  timex: boolean;
}

/** What a group gets to work with. */
export interface Facts {
  readonly reader: Reader;
  readonly config: HostConfig;
  series(name: string, labels?: Labels, info?: MetricInfo): SeriesId;
  proc(path: string): string;
  sys(path: string): string;
}

/** Read at every tick, at every slow interval, or at every sixth of these: within the five minutes a query looks back. */
export type Pace = "fast" | "slow" | "rare";

/** One subject of the machine: reads its own files and adds their samples. Fails alone. */
export interface Group {
  readonly name: string;
  readonly pace: Pace;
  /** Missing files mean that this machine has no such thing, not that something is wrong. */
  readonly optional?: boolean;
  /** What an optional group cannot do without: looked for first, since a failed read costs twenty times as much as a look. */
  readonly needs?: string;
  /** Whether there is something to read; where absent there always is. A group that is not ready is passed over. */
  ready?(): boolean;
  /** Adds the group's samples as of now. Throws when it cannot read; what it added before that is taken back. */
  read(out: Columns): void;
  /** Closes its files. The next read opens them again. */
  close(): void;
}

const ABSENT = new Set(["ENOENT", "EOPNOTSUPP", "ENODEV", "ENXIO", "ENOTDIR"]);
/** Slow intervals between readings of a rare group, and until a missing one is looked for: a module may have been loaded. */
const RARELY = 6;

/** Runs one group: when it is due, what became of it, and which of its series ended. */
export class GroupRun {
  readonly group: Group;
  /** Why it fails, or null. */
  trouble: string | null = null;
  private readonly slowEvery: number;
  private readonly every: number;
  private readonly phase: number;
  private restUntilTick = 0;
  private ids = new Uint32Array(16);
  private count = 0;

  /** A slow interval is `slowEvery` ticks. `turn` spreads the slow groups, so that no tick carries them all. */
  constructor(group: Group, slowEvery: number, turn: number) {
    this.group = group;
    this.slowEvery = slowEvery;
    this.every = group.pace === "fast" ? 1 : group.pace === "slow" ? slowEvery : slowEvery * RARELY;
    this.phase = turn % this.every;
  }

  due(tick: number): boolean {
    if (tick < this.restUntilTick) return false;
    // A group that failed does not wait for its turn to be well again.
    if (tick !== 0 && tick % this.every !== this.phase && this.trouble === null) return false;
    const { group } = this;
    if (this.count === 0 && group.needs !== undefined && !fs.existsSync(group.needs)) {
      this.rest(tick);
      return false;
    }
    return group.ready === undefined || group.ready();
  }

  run(out: Columns, tick: number): void {
    const first = out.length;
    try {
      this.group.read(out);
      this.trouble = null;
    } catch (error) {
      out.length = first;
      this.group.close();
      const code = (error as NodeJS.ErrnoException).code ?? "";
      const absent = this.group.optional === true && ABSENT.has(code);
      const again = this.trouble !== null;
      this.trouble = absent ? null : `${this.group.name}: ${(error as Error).message}`;
      if (absent) this.rest(tick);
      else if (again) this.restUntilTick = tick + this.slowEvery;
    }
    this.endMissing(out, first);
  }

  private rest(tick: number): void {
    this.restUntilTick = tick + this.slowEvery * RARELY;
  }

  /** Series given last time and not now end with a stale marker. Costs one comparison a series while nothing changes. */
  private endMissing(out: Columns, first: number): void {
    const count = out.length - first;
    const { ids } = this;
    const { series } = out;
    let same = count === this.count;
    for (let i = 0; same && i < count; i++) same = ids[i] === series[first + i];
    if (same) return;
    const now = new Set(series.subarray(first, first + count));
    const before = ids.subarray(0, this.count);
    this.ids = series.slice(first, first + count);
    this.count = count;
    for (const id of before) if (!now.has(id)) out.pushStale(id);
  }
}
