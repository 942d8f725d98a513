import { AgentError, type Logger, type Manifest } from "all-use-agent/sdk";
import { granted } from "./launcher.ts";

/** What a plugin was granted of the agent's own: checked at each use, refusals counted and logged once each. */
export class Permissions {
  /** Refused uses since the start. */
  denied = 0;
  private readonly manifest: Manifest;
  private readonly log: Logger;
  private readonly readable: readonly RegExp[];
  private readonly writable: readonly string[];
  private readonly told = new Set<string>();

  constructor(manifest: Manifest, log: Logger) {
    this.manifest = manifest;
    this.log = log;
    this.readable = granted(manifest, "metrics:read").map(globPattern);
    this.writable = granted(manifest, "metrics:write");
  }

  /** Whether samples of the metric may be read. `null` is a metric that a query does not name. */
  mayRead(metric: string | null): boolean {
    return this.readable.some(
      (pattern) => pattern.test(metric ?? "\u0000") || (metric === null && pattern.source === globPattern("*").source),
    );
  }

  get readsAnything(): boolean {
    return this.readable.length > 0;
  }

  /** Throws `permission_denied`. */
  needRead(metrics: readonly (string | null)[]): void {
    const refused = metrics.find((metric) => !this.mayRead(metric));
    if (refused === undefined) return;
    throw this.refuse(
      refused === null ? "reads metrics without naming them" : `reads ${refused}`,
      `metrics:read:${refused ?? "*"}`,
    );
  }

  needWrite(metric: string): void {
    if (this.writable.length === 0 || this.writable.some((prefix) => metric.startsWith(prefix.replace(/\*$/, "")))) return;
    throw this.refuse(`writes ${metric}`, `metrics:write:${metric}`);
  }

  needDocuments(): void {
    if (this.manifest.permissions?.some((one) => one === "documents" || one.startsWith("documents:"))) return;
    throw this.refuse("uses documents", "documents");
  }

  /** Counts a refusal and logs the first of its kind. */
  count(message: string): void {
    this.denied++;
    if (this.told.has(message) || this.told.size >= 100) return;
    this.told.add(message);
    this.log.warn(message);
  }

  private refuse(does: string, permission: string): AgentError {
    const message = `${this.manifest.id} ${does}, for which its plugin.json asks no permission: add ${JSON.stringify(permission)}`;
    this.count(message);
    return new AgentError("permission_denied", message, { where: permission });
  }
}

/** `node_*` and the like: a star is any run of characters. */
function globPattern(glob: string): RegExp {
  return new RegExp(`^${glob.replace(/[.+?^${}()|[\]\\]/g, "\\$&").replace(/\*+/g, ".*")}$`, "s");
}
