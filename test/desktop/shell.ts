/** The built desktop shell (out/main/desktop.js) as a child process whose `electron` is the fake. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { until } from "../support/wait.ts";
import type { Commands, ShellState } from "./shell-channel.ts";

const root = join(import.meta.dirname, "../..");

export const BUILT_MAIN = join(root, "out/main/desktop.js");
export const BUILT_PRELOAD = join(root, "out/preload/preload.cjs");
export const BUILT_PAGE = join(root, "out/renderer/index.html");

/** Why the built shell cannot be run here, or null when it can. */
export function cannotRun(): string | null {
  if (!existsSync(BUILT_MAIN) || !existsSync(BUILT_PRELOAD) || !existsSync(BUILT_PAGE)) return "not built (npm run build)";
  // Before, Node.js neither runs TypeScript nor lets `electron` be replaced in the thread that asks for it.
  return Number(process.versions.node.split(".")[0]) >= 24 ? null : "needs Node.js 24 to run the shell against the fake";
}

const STARTS_WITHIN_MS = 30_000;
/** Longer than a machine that is slow needs: the shell gives its agent ten seconds. */
const STOPS_WITHIN_MS = 90_000;

export class Shell {
  private readonly child: ChildProcess;
  private readonly waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  private nextId = 1;
  private printed = "";
  /** The exit status, or the signal that ended it. */
  readonly ended: Promise<number | string>;

  constructor(args: readonly string[], environment: Readonly<Record<string, string>> = {}) {
    const { NODE_OPTIONS: _options, VITEST: _vitest, NODE_ENV: _mode, ...env } = process.env;
    this.child = spawn(process.execPath, ["--import", join(import.meta.dirname, "resolve-electron.ts"), BUILT_MAIN, ...args], {
      env: { ...env, ...environment },
      stdio: ["ignore", "pipe", "pipe", "ipc"],
    });
    this.child.stdout!.setEncoding("utf8").on("data", (text: string) => (this.printed += text));
    this.child.stderr!.setEncoding("utf8").on("data", (text: string) => (this.printed += text));
    this.child.on("message", ({ id, value, error }: { id: number; value?: unknown; error?: string }) => {
      const one = this.waiting.get(id);
      this.waiting.delete(id);
      if (error === undefined) one?.resolve(value);
      else one?.reject(new Error(error));
    });
    this.ended = new Promise((resolve) => {
      this.child.once("close", (code, signal) => {
        for (const { reject } of this.waiting.values()) reject(new Error(`the shell ended:\n${this.printed}`));
        resolve(code ?? signal ?? "unknown");
      });
    });
  }

  /** Everything it said so far. */
  get output(): string {
    return this.printed;
  }

  ask<C extends keyof Commands>(command: C, ...args: Parameters<Commands[C]>): Promise<Awaited<ReturnType<Commands[C]>>> {
    const id = this.nextId++;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve: resolve as (value: unknown) => void, reject });
      this.child.send({ id, command, args });
    });
  }

  /** Waits for its window. Throws with what it said when it ends before. */
  async ready(): Promise<this> {
    let status: number | string | null = null;
    void this.ended.then((value) => (status = value));
    await until("the shell's window", STARTS_WITHIN_MS, () => status !== null || this.printed.includes("ready alluse://app/"));
    if (status !== null) throw new Error(`the shell ended with ${String(status)}:\n${this.printed}`);
    return this;
  }

  /** Waits until the shell's state is as wished, and returns it. */
  state(what: string, wished: (state: ShellState) => unknown, withinMs = 5000): Promise<ShellState> {
    return until(what, withinMs, async () => {
      const state = await this.ask("state");
      return wished(state) ? state : null;
    });
  }

  /** Quits it as its user would. Resolves with its exit status; kills, and throws, when it does not end. */
  async quit(): Promise<number | string> {
    const timer = setTimeout(() => this.child.kill("SIGKILL"), STOPS_WITHIN_MS);
    if (this.child.exitCode === null && this.child.signalCode === null) void this.ask("quit").catch(() => undefined);
    const status = await this.ended;
    clearTimeout(timer);
    if (status === "SIGKILL") throw new Error(`the shell did not quit within ${STOPS_WITHIN_MS} ms:\n${this.printed}`);
    return status;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.quit();
  }
}
