import fs, { type StatsFs } from "node:fs";
import type { SeriesId } from "all-use-agent/sdk";
import type { Columns } from "./columns.ts";
import type { Facts, Group } from "./group.ts";
import { type Mount, Mounts } from "./mounts.ts";

/**
 * These answer statfs from memory in about 2 µs and never wait for a device. All others are asked on a thread (50 µs),
 * since one call to a dead NFS server can last for ever.
 */
const ANSWERS_AT_ONCE = new Set(["ext2", "ext3", "ext4", "xfs", "tmpfs", "ramfs", "vfat", "f2fs"]);

/**
 * Calls that may be out at once on mounts that have not answered in time. libuv has four threads for all files of the
 * agent, and a call that never comes back keeps one.
 */
const STUCK_MAX = 2;
/** After this long a mount counts as not answering. */
const DEADLINE_MS = 5000;

const METRICS = ["size_bytes", "free_bytes", "avail_bytes", "files", "files_free"] as const;

class FileSystem {
  readonly mount: Mount;
  readonly path: string;
  readonly atOnce: boolean;
  readonly ids: readonly SeriesId[];
  readonly readonlyId: SeriesId;
  readonly errorId: SeriesId;
  /** The newest answer of a mount that is asked on a thread, or why there is none. */
  answer: StatsFs | null = null;
  askedMs = -1;
  error = false;

  constructor(facts: Facts, mount: Mount, atOnce: boolean) {
    const { device, mountpoint, fstype } = mount;
    const labels = { device, mountpoint, fstype };
    this.mount = mount;
    this.path = facts.config.rootfs_path + mountpoint;
    this.atOnce = atOnce;
    this.ids = METRICS.map((name) => facts.series(`node_filesystem_${name}`, labels));
    this.readonlyId = facts.series("node_filesystem_readonly", labels);
    this.errorId = facts.series("node_filesystem_device_error", labels);
  }
}

/** Space and files of each mounted file system, of those mounted while the agent runs as well. */
export class FileSystemGroup implements Group {
  readonly name = "filesystem";
  readonly pace = "fast";
  private readonly facts: Facts;
  private readonly mounts: Mounts;
  private readonly excludeType: RegExp;
  private readonly excludeMount: RegExp;
  private known: readonly Mount[] = [];
  private systems: FileSystem[] = [];

  constructor(facts: Facts) {
    this.facts = facts;
    this.mounts = new Mounts(facts);
    this.excludeType = new RegExp(facts.config.filesystem_type_exclude);
    this.excludeMount = new RegExp(facts.config.filesystem_mount_exclude);
  }

  read(out: Columns): void {
    const mounts = this.mounts.current();
    if (mounts !== this.known) this.learn(mounts);
    const nowMs = performance.now();
    for (const system of this.systems) {
      if (system.atOnce) this.askNow(system);
      else this.askOnThread(system, nowMs);
      this.give(system, out);
    }
  }

  close(): void {
    this.mounts.close();
  }

  private askNow(system: FileSystem): void {
    try {
      system.answer = fs.statfsSync(system.path);
      system.error = false;
    } catch {
      system.error = true;
    }
  }

  /** Asks for the next tick; what is given now came back since the last one. */
  private askOnThread(system: FileSystem, nowMs: number): void {
    if (system.askedMs >= 0) {
      if (nowMs - system.askedMs > DEADLINE_MS) system.error = true;
      return;
    }
    if (this.systems.filter((other) => other.askedMs >= 0 && other.error).length >= STUCK_MAX) return;
    system.askedMs = nowMs;
    fs.statfs(system.path, (error, answer) => {
      system.askedMs = -1;
      system.error = error !== null;
      if (!error) system.answer = answer;
    });
  }

  private give(system: FileSystem, out: Columns): void {
    const { ids, answer } = system;
    if (!answer && !system.error) return;
    out.push(system.readonlyId, system.mount.readonly ? 1 : 0);
    out.push(system.errorId, system.error ? 1 : 0);
    if (!answer || system.error) return;
    out.push(ids[0], answer.blocks * answer.bsize);
    out.push(ids[1], answer.bfree * answer.bsize);
    out.push(ids[2], answer.bavail * answer.bsize);
    out.push(ids[3], answer.files);
    out.push(ids[4], answer.ffree);
  }

  private learn(mounts: readonly Mount[]): void {
    const before = this.systems;
    this.known = mounts;
    const slow = mounts.filter((mount) => !ANSWERS_AT_ONCE.has(mount.fstype) && mount.mountpoint !== "/").map((mount) => `${mount.mountpoint}/`);
    this.systems = [];
    for (const mount of mounts) {
      if (this.excludeType.test(mount.fstype) || this.excludeMount.test(mount.mountpoint)) continue;
      // The way to the mount point must not lead through one that may hang either.
      const atOnce = ANSWERS_AT_ONCE.has(mount.fstype) && !slow.some((place) => mount.mountpoint.startsWith(place));
      const same = before.find(
        (system) =>
          system.mount.device === mount.device && system.mount.mountpoint === mount.mountpoint && system.mount.fstype === mount.fstype,
      );
      const keep = same !== undefined && same.atOnce === atOnce && same.mount.readonly === mount.readonly;
      this.systems.push(keep ? same : new FileSystem(this.facts, mount, atOnce));
    }
  }
}
