import { AgentError } from "./errors.ts";
import type { Manifest } from "./manifest.ts";
import { type ExecAnswer, type ExecOptions, type FetchAnswer, type FetchOptions, type Notice } from "./outside.ts";
import { permissionCovers } from "./permissions.ts";

/** The world outside a test: files, servers and programs as the test says, under the manifest's permissions as in the agent. */
export class TestOutside {
  readonly files = new Map<string, string | Uint8Array>();
  readonly notices: Notice[] = [];
  /** Answers `fetch`; without one nobody answers. */
  onFetch: ((url: string, options: FetchOptions) => FetchAnswer | Promise<FetchAnswer>) | null = null;
  /** Answers `exec`; without one there is no such program. */
  onExec: ((program: string, args: readonly string[], options: ExecOptions) => ExecAnswer | Promise<ExecAnswer>) | null = null;
  private readonly manifest: { readonly id: string; readonly permissions?: Manifest["permissions"] };

  constructor(manifest: TestOutside["manifest"]) {
    this.manifest = manifest;
  }

  async read(path: string): Promise<Uint8Array> {
    this.need(`read:${path}`);
    const file = this.files.get(path);
    if (file === undefined) throw new AgentError("read_failed", `${path} cannot be read: the test has no such file`);
    return typeof file === "string" ? new TextEncoder().encode(file) : file.slice();
  }

  async fetch(url: string, options: FetchOptions): Promise<FetchAnswer> {
    const { protocol, hostname, port } = new URL(url);
    this.need(`net:${hostname}:${port || (protocol === "https:" ? 443 : 80)}`);
    if (this.onFetch === null) throw new AgentError("fetch_failed", `${url} gave no answer: set onFetch in the test`);
    return this.onFetch(url, options);
  }

  async exec(program: string, args: readonly string[], options: ExecOptions): Promise<ExecAnswer> {
    this.need(`exec:${program}`);
    if (this.onExec === null) throw new AgentError("exec_failed", `there is no program ${program}: set onExec in the test`);
    return this.onExec(program, args, options);
  }

  async notify(notice: Notice): Promise<void> {
    this.need("notify");
    this.notices.push(notice);
  }

  private need(permission: string): void {
    if (this.manifest.permissions?.some((granted) => permissionCovers(granted, permission))) return;
    throw new AgentError("permission_denied", `${this.manifest.id} has no permission ${JSON.stringify(permission)}`, {
      where: permission,
    });
  }
}
