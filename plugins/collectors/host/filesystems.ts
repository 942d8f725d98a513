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
 * Calls on threads that may be out at once. libuv has four threads for all files of the agent, storage's included, and a
 * call that never comes back keeps one.
 */
const OUT_MAX = 2;
/** A mount that has not answered for this long, or not had its turn, is reported as an error. */
const DEADLINE_MS = 5000;

/**
 * Ticks between looks at the mount table, which the kernel takes 70 µs to print with twenty mounts, and more with the hundreds
 * of a host of containers. It is looked at as well when a mount point answers as another file system would.
 */
const TABLE_EVERY = 5;

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
  /** When its turn was asked for, monotonic ms; -1 when it has answered. */
  waitingSinceMs = -1;
  error = false;
  /** What tells this file system from what would be found if it were unmounted, or another mounted over it. */
  private kind = 0;
  private blocks = 0;

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

  /** Takes an answer. Returns whether it looks like another file system's than the one before. */
  take(answer: StatsFs): boolean {
    const changed = this.answer !== null && (answer.type !== this.kind || answer.blocks !== this.blocks);
    this.kind = answer.type;
    this.blocks = answer.blocks;
    this.answer = answer;
    return changed;
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
  private untilTable = 0;
  private systems: FileSystem[] = [];
  /** Those whose turn on a thread is to come. */
  private queue: FileSystem[] = [];
  private out = 0;

  constructor(facts: Facts) {
    this.facts = facts;
    this.mounts = new Mounts(facts);
    this.excludeType = new RegExp(facts.config.filesystem_type_exclude);
    this.excludeMount = new RegExp(facts.config.filesystem_mount_exclude);
  }

  read(out: Columns): void {
    if (this.untilTable === 0) this.lookAtTable();
    this.untilTable--;
    // Whatever the table says now has been asked by its new name when this is through.
    if (!this.askAll()) {
      this.lookAtTable();
      this.askAll();
    }
    for (const system of this.systems) this.give(system, out);
  }

  close(): void {
    for (const system of this.queue.splice(0)) system.waitingSinceMs = -1;
    this.mounts.close();
    this.untilTable = 0;
  }

  private lookAtTable(): void {
    this.untilTable = TABLE_EVERY;
    const mounts = this.mounts.current();
    if (mounts !== this.known) this.learn(mounts);
  }

  /** Returns false where an answer makes the mount table doubtful. */
  private askAll(): boolean {
    const nowMs = performance.now();
    let sure = true;
    for (const system of this.systems) {
      if (!system.atOnce) this.askOnThread(system, nowMs);
      else if (!this.askNow(system)) sure = false;
    }
    return sure;
  }

  private askNow(system: FileSystem): boolean {
    try {
      const changed = system.take(fs.statfsSync(system.path));
      system.error = false;
      return !changed;
    } catch {
      const before = system.error;
      system.error = true;
      return before;
    }
  }

  /** Asks for the next tick; what is given now came back since the last one. */
  private askOnThread(system: FileSystem, nowMs: number): void {
    if (system.waitingSinceMs >= 0) {
      if (nowMs - system.waitingSinceMs > DEADLINE_MS) system.error = true;
      return;
    }
    system.waitingSinceMs = nowMs;
    this.queue.push(system);
    this.askNext();
  }

  private askNext(): void {
    while (this.out < OUT_MAX) {
      const system = this.queue.shift();
      if (!system) return;
      this.out++;
      fs.statfs(system.path, (error, answer) => {
        this.out--;
        system.waitingSinceMs = -1;
        system.error = error !== null;
        if (!error && system.take(answer)) this.untilTable = 0;
        this.askNext();
      });
    }
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
    const slow = mounts
      .filter((mount) => !ANSWERS_AT_ONCE.has(mount.fstype) && mount.mountpoint !== "/")
      .map((mount) => `${mount.mountpoint}/`);
    this.systems = [];
    for (const mount of mounts) {
      if (this.excludeType.test(mount.fstype) || this.excludeMount.test(mount.mountpoint)) continue;
      // The way to the mount point must not lead through one that may hang either.
      const atOnce = ANSWERS_AT_ONCE.has(mount.fstype) && !slow.some((place) => mount.mountpoint.startsWith(place));
      const same = before.find(
        (system) =>
          system.mount.device === mount.device &&
          system.mount.mountpoint === mount.mountpoint &&
          system.mount.fstype === mount.fstype,
      );
      const keep = same !== undefined && same.atOnce === atOnce && same.mount.readonly === mount.readonly;
      this.systems.push(keep ? same : new FileSystem(this.facts, mount, atOnce));
    }
    this.queue = this.queue.filter((system) => this.systems.includes(system));
  }
}
