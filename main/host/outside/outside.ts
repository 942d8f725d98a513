import {
  AgentError,
  type ExecAnswer,
  type ExecOptions,
  type FetchAnswer,
  type FetchOptions,
  type Notice,
} from "all-use-agent/sdk";
import type { Permissions } from "../process/permissions.ts";

/** Of one plugin: each may hold 4 MB. */
const AT_ONCE_MAX = 8;
const NOTICES_A_MINUTE = 5;
const MINUTE_MS = 60_000;
const TITLE_MAX_CHARACTERS = 100;
const BODY_MAX_CHARACTERS = 500;

export interface OutsideParts {
  readonly permissions: Permissions;
  /** Aborted when the plugin stops: everything under way ends. */
  readonly signal: AbortSignal;
  /** The agent's own folders, which no grant opens. */
  readonly secret: readonly string[];
  notify(notice: Notice): void;
}

/** What of a plugin's `ctx` leads out of the agent. The code of each way is loaded when a plugin first goes it. */
export class Outside {
  private readonly parts: OutsideParts;
  private underWay = 0;
  private noticesMs: number[] = [];

  constructor(parts: OutsideParts) {
    this.parts = parts;
  }

  read(path: string): Promise<Uint8Array> {
    const { permissions, secret } = this.parts;
    return this.bounded(async () => (await import("./read.ts")).readOutside(permissions, path, secret));
  }

  fetch(url: string, options: FetchOptions = {}): Promise<FetchAnswer> {
    const { permissions, signal } = this.parts;
    return this.bounded(async () => (await import("./fetch.ts")).fetchOutside(permissions, url, options, signal));
  }

  exec(program: string, args: readonly string[] = [], options: ExecOptions = {}): Promise<ExecAnswer> {
    const { permissions, signal } = this.parts;
    return this.bounded(async () => (await import("./exec.ts")).execOutside(permissions, program, args, options, signal));
  }

  async notify({ title, body }: Notice): Promise<void> {
    this.parts.permissions.needNotify();
    const nowMs = performance.now();
    this.noticesMs = this.noticesMs.filter((timeMs) => nowMs - timeMs < MINUTE_MS);
    if (this.noticesMs.length >= NOTICES_A_MINUTE)
      throw new AgentError("notify_limit", `${NOTICES_A_MINUTE} notices a minute are enough: say several things in one`);
    this.noticesMs.push(nowMs);
    this.parts.notify({ title: plain(title, TITLE_MAX_CHARACTERS), body: plain(body, BODY_MAX_CHARACTERS) });
  }

  private async bounded<T>(task: () => Promise<T>): Promise<T> {
    if (this.parts.signal.aborted) throw new AgentError("stopped", "the plugin is stopped");
    if (this.underWay >= AT_ONCE_MAX)
      throw new AgentError("busy", `${AT_ONCE_MAX} files, requests and programs are under way: wait for one to end`);
    this.underWay++;
    try {
      return await task();
    } finally {
      this.underWay--;
    }
  }
}

/** One line without control characters, which terminals and notifications might obey. */
function plain(text: unknown, limit: number): string {
  return (typeof text === "string" ? text : "")
    .replace(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]+/g, " ")
    .slice(0, limit);
}
