import fs from "node:fs";
import type { Columns } from "./columns.ts";
import type { Facts, Group } from "./group.ts";
import { Info } from "./info.ts";

const LABELS = [
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

type Fields = Readonly<Record<string, string | undefined>>;

/** /etc/os-release: which distribution this is, in which version, and for how long it is cared for. */
export class ReleaseGroup implements Group {
  readonly name = "os";
  readonly pace = "rare";
  private readonly facts: Facts;
  private readonly info: Info;
  private readonly paths: readonly string[];
  private fields: Fields = {};
  private source = "";

  constructor(facts: Facts) {
    this.facts = facts;
    this.info = new Info(facts, "node_os_info");
    this.paths = ["/etc/os-release", "/usr/lib/os-release"].map((path) => facts.config.rootfs_path + path);
  }

  read(out: Columns): void {
    const path = this.paths.find((path) => fs.existsSync(path));
    if (path === undefined) return;
    this.look(path);
    const { facts, fields } = this;
    const labels: Record<string, string> = {};
    for (const key of LABELS) labels[key] = fields[key] ?? "";
    this.info.give(out, labels);
    const supportEnds = Date.parse(fields.support_end ?? "");
    if (Number.isFinite(supportEnds)) out.push(facts.series("node_os_support_end_timestamp_seconds"), supportEnds / 1000);
    const version = /^\d+(\.\d+)?/.exec(labels.version_id)?.[0];
    const { id, id_like, name } = labels;
    if (version !== undefined) out.push(facts.series("node_os_version", { id, id_like, name }), Number(version));
  }

  close(): void {
    this.source = "";
  }

  /** Reads the file when it is another than last time: an upgrade replaces it. */
  private look(path: string): void {
    const { mtimeMs, size, ino } = fs.statSync(path);
    const source = `${path} ${mtimeMs} ${size} ${ino}`;
    if (source === this.source) return;
    const fields: Record<string, string> = {};
    for (const [, key, value] of fs.readFileSync(path, "utf8").matchAll(/^([A-Z_]+)=(.*)$/gm))
      fields[key.toLowerCase()] = value.replace(/^(["'])(.*)\1$/, "$2");
    this.fields = fields;
    this.source = source;
  }
}
