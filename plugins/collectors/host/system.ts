import fs from "node:fs";
import os from "node:os";
import type { SeriesId } from "all-use-agent/sdk";
import type { Columns } from "./columns.ts";
import type { Facts, Group } from "./group.ts";
import { Info } from "./info.ts";
import type { KeptFile } from "./reader.ts";

/** What `uname -a` says. The kernel does not change while it runs, its names may. */
export class UnameGroup implements Group {
  readonly name = "uname";
  readonly pace = "rare";
  private readonly facts: Facts;
  private readonly info: Info;
  private readonly kernel = { machine: os.machine(), release: os.release(), sysname: os.type(), version: os.version() };

  constructor(facts: Facts) {
    this.facts = facts;
    this.info = new Info(facts, "node_uname_info");
  }

  read(out: Columns): void {
    const domainname = this.facts.reader.text(this.facts.proc("sys/kernel/domainname")) ?? "(none)";
    this.info.give(out, { ...this.kernel, domainname, nodename: os.hostname() });
  }

  close(): void {}
}

/** The kernel's pool of random numbers. */
export class EntropyGroup implements Group {
  readonly name = "entropy";
  readonly pace = "slow";
  private readonly files: readonly (readonly [KeptFile, SeriesId])[];

  constructor(facts: Facts) {
    const kept = (file: string, metric: string) =>
      [facts.reader.file(facts.proc(`sys/kernel/random/${file}`), "whole"), facts.series(metric)] as const;
    this.files = [kept("entropy_avail", "node_entropy_available_bits"), kept("poolsize", "node_entropy_pool_size_bits")];
  }

  read(out: Columns): void {
    for (const [file, id] of this.files) out.push(id, file.read().integer());
  }

  close(): void {
    for (const [file] of this.files) file.close();
  }
}

/** Whether SELinux is there, what it does, and what it is set to do. */
export class SelinuxGroup implements Group {
  readonly name = "selinux";
  readonly pace = "rare";
  private readonly facts: Facts;
  private readonly path: string;
  private readonly enabledId: SeriesId;

  constructor(facts: Facts) {
    this.facts = facts;
    this.path = facts.sys("fs/selinux/enforce");
    this.enabledId = facts.series("node_selinux_enabled");
  }

  read(out: Columns): void {
    const { facts } = this;
    const mode = fs.existsSync(this.path) ? facts.reader.text(this.path) : null;
    out.push(this.enabledId, mode === null ? 0 : 1);
    if (mode === null) return;
    const configured = /^SELINUX=(\w+)/m.exec(facts.reader.text(`${facts.config.rootfs_path}/etc/selinux/config`) ?? "")?.[1];
    out.push(facts.series("node_selinux_config_mode"), configured === "enforcing" ? 1 : configured === "permissive" ? 0 : -1);
    out.push(facts.series("node_selinux_current_mode"), Number(mode));
  }

  close(): void {}
}
