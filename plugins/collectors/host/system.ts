import os from "node:os";
import type { SeriesId } from "all-use-agent/sdk";
import type { Columns } from "./columns.ts";
import type { Facts, Group } from "./group.ts";
import { Info } from "./info.ts";
import type { KeptFile } from "./reader.ts";

/** Which system this is: uname, distribution, SELinux, entropy. Changes seldom. */
export class SystemGroup implements Group {
  readonly name = "system";
  readonly pace = "rare";
  private readonly facts: Facts;
  private readonly uname: Info;
  private readonly release: Info;
  private readonly entropy: readonly (readonly [KeptFile, SeriesId])[];
  private readonly selinuxId: SeriesId;

  constructor(facts: Facts) {
    this.facts = facts;
    this.uname = new Info(facts, "node_uname_info");
    this.release = new Info(facts, "node_os_info");
    const kept = (path: string, metric: string) => [facts.reader.file(facts.proc(path), "whole"), facts.series(metric)] as const;
    this.entropy = [
      kept("sys/kernel/random/entropy_avail", "node_entropy_available_bits"),
      kept("sys/kernel/random/poolsize", "node_entropy_pool_size_bits"),
    ];
    this.selinuxId = facts.series("node_selinux_enabled");
  }

  read(out: Columns): void {
    const { facts } = this;
    this.uname.give(out, {
      domainname: facts.reader.text(facts.proc("sys/kernel/domainname")) ?? "(none)",
      machine: os.machine(),
      nodename: os.hostname(),
      release: os.release(),
      sysname: os.type(),
      version: os.version(),
    });
    this.readRelease(out);
    for (const [file, id] of this.entropy) out.push(id, file.read().integer());
    this.readSelinux(out);
  }

  close(): void {
    for (const [file] of this.entropy) file.close();
  }

  private readRelease(out: Columns): void {
    const { facts } = this;
    const root = facts.config.rootfs_path;
    const text = facts.reader.text(`${root}/etc/os-release`) ?? facts.reader.text(`${root}/usr/lib/os-release`);
    if (text === null) return;
    const field: Record<string, string | undefined> = {};
    for (const [, key, value] of text.matchAll(/^([A-Z_]+)=(.*)$/gm))
      field[key.toLowerCase()] = value.replace(/^(["'])(.*)\1$/, "$2");
    const labels: Record<string, string> = {};
    for (const key of RELEASE_LABELS) labels[key] = field[key] ?? "";
    this.release.give(out, labels);
    const supportEnds = Date.parse(field["support_end"] ?? "");
    if (Number.isFinite(supportEnds)) out.push(facts.series("node_os_support_end_timestamp_seconds"), supportEnds / 1000);
    const version = /^\d+(\.\d+)?/.exec(labels.version_id)?.[0];
    if (version === undefined) return;
    const { id, id_like, name } = labels;
    out.push(facts.series("node_os_version", { id, id_like, name }), Number(version));
  }

  private readSelinux(out: Columns): void {
    const { facts } = this;
    const mode = facts.reader.text(facts.sys("fs/selinux/enforce"));
    out.push(this.selinuxId, mode === null ? 0 : 1);
    if (mode === null) return;
    const configured = /^SELINUX=(\w+)/m.exec(facts.reader.text(`${facts.config.rootfs_path}/etc/selinux/config`) ?? "")?.[1];
    out.push(facts.series("node_selinux_config_mode"), configured === "enforcing" ? 1 : configured === "permissive" ? 0 : -1);
    out.push(facts.series("node_selinux_current_mode"), Number(mode));
  }
}

const RELEASE_LABELS = [
  "build_id",
  "id",
  "id_like",
  "image_id",
  "image_version",
  "name",
  "pretty_name",
  "variant",
  "variant_id",
  "version",
  "version_codename",
  "version_id",
] as const;
