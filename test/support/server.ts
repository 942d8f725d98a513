import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createServer } from "node:net";
import { until } from "./wait.ts";

const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** Whether a program of another project is installed here: tests against it are left out where it is not. */
export function installed(program: string): boolean {
  return existsSync(program);
}

/** A port that nobody listened on a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}

/** A server of another project, for a test. `await using` ends it, by its own pid. */
export class Server {
  readonly url: string;
  readonly pid: number;
  private readonly child: ChildProcess;
  private readonly ended: Promise<void>;
  private text = "";

  private constructor(program: string, args: readonly string[], port: number) {
    this.url = `http://127.0.0.1:${port}`;
    this.child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
    this.pid = this.child.pid ?? 0;
    running.add(this.child);
    for (const stream of [this.child.stdout, this.child.stderr])
      stream?.setEncoding("utf8").on("data", (piece: string) => (this.text = (this.text + piece).slice(-100_000)));
    this.ended = new Promise((resolve) => this.child.once("close", () => resolve()));
    this.child.once("exit", () => running.delete(this.child));
  }

  /** Starts it and waits until `readyPath` answers 200. */
  static async start(program: string, args: readonly string[], port: number, readyPath: string): Promise<Server> {
    const server = new Server(program, args, port);
    await until(`${program} to be ready`, 30_000, async () => {
      if (server.child.exitCode !== null) throw new Error(`${program} ended:\n${server.text}`);
      return fetch(server.url + readyPath).then(
        ({ ok }) => ok,
        () => false,
      );
    });
    return server;
  }

  /** Everything it said lately. */
  output(): string {
    return this.text;
  }

  async stop(): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill("SIGTERM");
    const timer = setTimeout(() => this.child.kill("SIGKILL"), 20_000);
    await this.ended;
    clearTimeout(timer);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}
