import {
  AgentError,
  canonicalHost,
  type Logger,
  type Manifest,
  metricPattern,
  networkCovers,
  parseNetwork,
  pathLiesIn,
} from "all-use-agent/sdk";
import { PermissionUses } from "../permission-uses.ts";

/** What a plugin was granted: checked at each use, uses and refusals counted, each kind of refusal logged once. */
export class Permissions {
  /** Refused uses since the start. */
  denied = 0;
  private readonly manifest: Pick<Manifest, "id" | "permissions">;
  private readonly log: Logger;
  private readonly uses: PermissionUses;
  /** Each `metrics:read` with what it matches. */
  private readonly readable: readonly { permission: string; pattern: RegExp; all: boolean }[];
  private readonly writable: readonly { permission: string; prefix: string }[];
  private readonly told = new Set<string>();

  /** `manifest.permissions` are those granted. */
  constructor(manifest: Pick<Manifest, "id" | "permissions">, log: Logger, uses = new PermissionUses()) {
    this.manifest = manifest;
    this.log = log;
    this.uses = uses;
    this.readable = this.of("metrics:read").map(({ permission, argument }) => ({
      permission,
      pattern: metricPattern(argument ?? "*"),
      all: /^\**$/.test(argument ?? ""),
    }));
    this.writable = this.of("metrics:write").map(({ permission, argument }) => ({
      permission,
      prefix: (argument ?? "").replace(/\*$/, ""),
    }));
  }

  /** Whether samples of the metric may be read. `null` is a metric that a query does not name. */
  mayRead(metric: string | null): boolean {
    return this.reading(metric) !== undefined;
  }

  get readsAnything(): boolean {
    return this.readable.length > 0;
  }

  /** Counts one batch or event of the metric handed over. */
  countRead(metric: string): void {
    const permission = this.reading(metric);
    if (permission !== undefined) this.uses.used(this.manifest.id, permission);
  }

  /** Throws `permission_denied`. */
  needRead(metrics: readonly (string | null)[]): void {
    const found = new Set<string>();
    for (const metric of metrics) {
      const permission = this.reading(metric);
      if (permission === undefined)
        throw this.refuse(
          metric === null ? "reads metrics without naming them" : `reads ${metric}`,
          `metrics:read:${metric ?? "*"}`,
        );
      found.add(permission);
    }
    for (const permission of found) this.uses.used(this.manifest.id, permission);
  }

  needWrite(metric: string): void {
    if (this.writable.length === 0) return;
    const found = this.writable.find(({ prefix }) => metric.startsWith(prefix));
    if (found === undefined) throw this.refuse(`writes ${metric}`, `metrics:write:${metric}`);
    this.uses.used(this.manifest.id, found.permission);
  }

  needDocuments(): void {
    this.need("documents", "uses documents");
  }

  needNotify(): void {
    this.need("notify", "notifies the operator");
  }

  /** Throws `permission_denied`. `program` as the plugin gives it: a name grants no path and a path no name. */
  needExec(program: string): void {
    this.need(`exec:${program}`, `starts ${program}`);
  }

  /** The paths that `read:` grants. */
  get readablePaths(): { permission: string; path: string }[] {
    return this.of("read").map(({ permission, argument }) => ({ permission, path: argument ?? "/" }));
  }

  /** Throws `permission_denied` unless `path` lies in one of `places`; `asked` is what the plugin called it. */
  needFile(asked: string, path: string, places: readonly { permission: string; path: string }[]): void {
    const found = places.find((place) => pathLiesIn(path, place.path));
    if (found === undefined) throw this.refuse(`reads ${asked}${asked === path ? "" : ` (${path})`}`, `read:${path}`);
    this.uses.used(this.manifest.id, found.permission);
  }

  /** Whether a host is granted, without counting. */
  mayConnect(host: string, port: number): boolean {
    return this.connecting(host, port) !== undefined;
  }

  /** Throws `permission_denied`. `host` as URLs write it. */
  needNet(host: string, port: number): void {
    const permission = this.connecting(host, port);
    if (permission === undefined) throw this.refuse(`connects to ${host}:${port}`, `net:${host}:${port}`);
    this.uses.used(this.manifest.id, permission);
  }

  /** A name that is granted leads to where only the address itself would have to be granted. */
  refuseAddress(host: string, address: string, port: number): AgentError {
    return this.refuse(`connects to ${host}, which is ${address}, an address of this machine itself`, `net:${address}:${port}`);
  }

  /** Counts something kept from it that no permission stands for, and logs the first of its kind. */
  count(message: string): void {
    this.denied++;
    if (this.told.has(message) || this.told.size >= 100) return;
    this.told.add(message);
    this.log.warn(message);
  }

  private need(permission: string, does: string): void {
    if (!this.manifest.permissions?.includes(permission)) throw this.refuse(does, permission);
    this.uses.used(this.manifest.id, permission);
  }

  private reading(metric: string | null): string | undefined {
    return this.readable.find(({ pattern, all }) => all || (metric !== null && pattern.test(metric)))?.permission;
  }

  private connecting(host: string, port: number): string | undefined {
    const asked = { host: canonicalHost(host) ?? host, port };
    return this.of("net").find(({ argument }) => networkCovers(parseNetwork(argument ?? "*"), asked))?.permission;
  }

  private of(name: string): { permission: string; argument: string | null }[] {
    return (this.manifest.permissions ?? [])
      .filter((one) => one === name || one.startsWith(`${name}:`))
      .map((permission) => ({ permission, argument: permission === name ? null : permission.slice(name.length + 1) }));
  }

  private refuse(does: string, permission: string): AgentError {
    const message = `${this.manifest.id} ${does}, for which it has no permission: ask for ${JSON.stringify(permission)} in plugin.json and let it be granted`;
    this.count(message);
    this.uses.refused(this.manifest.id, permission);
    return new AgentError("permission_denied", message, { where: permission });
  }
}
