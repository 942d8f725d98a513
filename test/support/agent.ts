/**
 * The real, built agent as a child process, for tests and for the screenshots. Needs `npm run build`. Free of vitest, so
 * that a script can use it too.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { FindingReport, PluginReport, RecommendationReport } from "all-use-agent/sdk";

const COMMAND = join(import.meta.dirname, "../../out/main/alluse.js");
/** Generous: a loaded machine is no failure. How long it really took is `readyMs`. */
const READY_WITHIN_MS = 120_000;
const COMMAND_WITHIN_MS = 180_000;
const STOP_WITHIN_MS = 60_000;

export interface AgentOptions {
  /** Made, and removed by `dispose`, when not given. */
  readonly dataDir?: string;
  readonly port?: number;
  readonly args?: readonly string[];
  /** The Node.js that runs it; this one when not given. */
  readonly node?: string;
}

export interface CommandResult {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** One series of an answer of the query API. Values are `[seconds, text]` as in Prometheus. */
export interface QueryResult {
  readonly metric: Readonly<Record<string, string>>;
  readonly value?: readonly [number, string];
  readonly values?: readonly (readonly [number, string])[];
}

const running = new Set<ChildProcess>();

/** A test that failed in the middle leaves no agent behind, however its process ends: vitest ends its workers by SIGTERM. */
function killAll(): void {
  for (const child of running) child.kill("SIGKILL");
}
process.on("exit", killAll);
process.once("SIGTERM", () => {
  killAll();
  process.exit(143);
});

/** A folder of its own below the system's temporary one. Whoever makes it removes it. */
export function temporaryFolder(): string {
  return mkdtempSync(join(tmpdir(), "alluse-test-"));
}

function launch(args: readonly string[], node: string = process.execPath): ChildProcess {
  if (!existsSync(COMMAND)) throw new Error(`${COMMAND} is not there: run \`npm run build\` first`);
  const { NODE_OPTIONS: _options, VITEST: _vitest, NODE_ENV: _mode, ...env } = process.env;
  const child = spawn(node, [COMMAND, ...args], { env, stdio: ["ignore", "pipe", "pipe"] });
  running.add(child);
  child.once("exit", () => running.delete(child));
  return child;
}

/** Runs one command of the command line to its end. */
export function runCommand(args: readonly string[], node?: string): Promise<CommandResult> {
  const child = launch(args, node);
  let stdout = "";
  let stderr = "";
  child.stdout!.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr!.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const timer = setTimeout(() => child.kill("SIGKILL"), COMMAND_WITHIN_MS);
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (status) => {
      clearTimeout(timer);
      resolve({ status, stdout, stderr });
    });
  });
}

/** Starts the agent and waits until it says `ready`. Throws with all it printed when it ends before. */
export async function startAgent(options: AgentOptions = {}): Promise<RunningAgent> {
  const dataDir = options.dataDir ?? temporaryFolder();
  const startedMs = performance.now();
  const child = launch(
    ["start", "--port", String(options.port ?? 0), "--data-dir", dataDir, ...(options.args ?? [])],
    options.node,
  );
  const output: string[] = [];
  const url = await new Promise<string>((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill("SIGKILL");
      reject(new Error(`not ready within ${READY_WITHIN_MS} ms:\n${output.join("")}`));
    }, READY_WITHIN_MS);
    const look = (text: string): void => {
      output.push(text);
      const match = /^ready (http:\/\/\S+)$/m.exec(output.join(""));
      if (match?.[1] === undefined) return;
      clearTimeout(timer);
      resolve(match[1]);
    };
    child.stdout!.setEncoding("utf8").on("data", look);
    child.stderr!.setEncoding("utf8").on("data", look);
    child.once("error", reject);
    child.once("close", (status, signal) => {
      clearTimeout(timer);
      reject(new Error(`ended with ${status ?? signal ?? "nothing"} before it was ready:\n${output.join("")}`));
    });
  });
  return new RunningAgent(
    child,
    new URL(url).origin,
    dataDir,
    options.dataDir === undefined,
    performance.now() - startedMs,
    output,
  );
}

export class RunningAgent {
  readonly origin: string;
  readonly dataDir: string;
  /** From the start of the process to its `ready` line. */
  readonly readyMs: number;
  readonly token: string;
  readonly pid: number;
  private readonly child: ChildProcess;
  private readonly ownsDataDir: boolean;
  private readonly printed: readonly string[];
  private readonly ended: Promise<number | string>;

  constructor(
    child: ChildProcess,
    origin: string,
    dataDir: string,
    ownsDataDir: boolean,
    readyMs: number,
    printed: readonly string[],
  ) {
    this.child = child;
    this.origin = origin;
    this.dataDir = dataDir;
    this.ownsDataDir = ownsDataDir;
    this.readyMs = readyMs;
    this.printed = printed;
    this.pid = child.pid!;
    const tokenFile = join(dataDir, "token");
    this.token = existsSync(tokenFile) ? readFileSync(tokenFile, "utf8").trim() : "";
    this.ended = new Promise((resolve) => child.once("exit", (code, signal) => resolve(code ?? signal ?? "unknown")));
  }

  get port(): number {
    return Number(new URL(this.origin).port);
  }

  /** The address that signs a browser in. */
  get pageAddress(): string {
    return `${this.origin}/?token=${this.token}`;
  }

  get isRunning(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Everything it printed so far. */
  output(): string {
    return this.printed.join("");
  }

  fetch(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers);
    if (!headers.has("authorization")) headers.set("authorization", `Bearer ${this.token}`);
    return fetch(`${this.origin}${path}`, { ...init, headers });
  }

  /** The JSON of a 200 answer. Throws on any other with what it said. */
  async json<T>(path: string, init?: RequestInit): Promise<T> {
    const response = await this.fetch(path, init);
    const text = await response.text();
    if (response.status !== 200) throw new Error(`${path} answered ${response.status}: ${text}`);
    return JSON.parse(text) as T;
  }

  /** PromQL at one instant, now when not given. */
  async query(expr: string, timeMs?: number): Promise<QueryResult[]> {
    const parameters = new URLSearchParams({ query: expr });
    if (timeMs !== undefined) parameters.set("time", String(timeMs / 1000));
    const answer = await this.json<{ data: { result: QueryResult[] } }>(`/api/v1/query?${parameters.toString()}`);
    return answer.data.result;
  }

  async queryRange(expr: string, fromMs: number, toMs: number, stepMs: number): Promise<QueryResult[]> {
    const parameters = new URLSearchParams({
      query: expr,
      start: String(fromMs / 1000),
      end: String(toMs / 1000),
      step: String(stepMs / 1000),
    });
    const answer = await this.json<{ data: { result: QueryResult[] } }>(`/api/v1/query_range?${parameters.toString()}`);
    return answer.data.result;
  }

  async plugins(): Promise<PluginReport[]> {
    return (await this.json<{ plugins: PluginReport[] }>("/api/agent/plugins")).plugins;
  }

  async recommendations(): Promise<RecommendationReport[]> {
    return (await this.json<{ recommendations: RecommendationReport[] }>("/api/agent/recommendations")).recommendations;
  }

  async findings(fromMs: number, toMs: number): Promise<FindingReport[]> {
    return (await this.json<{ findings: FindingReport[] }>(`/api/agent/findings?from=${fromMs}&to=${toMs}`)).findings;
  }

  /** kill −9, and waits until the process is gone. */
  async kill(): Promise<void> {
    this.child.kill("SIGKILL");
    await this.ended;
  }

  /** SIGTERM, and waits. Resolves with the exit status; kills, and throws, when it does not end. */
  async stop(): Promise<number | string> {
    if (!this.isRunning) return this.ended;
    this.child.kill("SIGTERM");
    const timer = setTimeout(() => this.child.kill("SIGKILL"), STOP_WITHIN_MS);
    const status = await this.ended;
    clearTimeout(timer);
    if (status === "SIGKILL") throw new Error(`SIGTERM did not end the agent within ${STOP_WITHIN_MS} ms:\n${this.output()}`);
    return status;
  }

  /** Resident memory in bytes. Linux only. */
  residentBytes(): number {
    const match = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${this.pid}/status`, "utf8"));
    return Number(match?.[1]) * 1024;
  }

  /** CPU time used so far, user and system. Linux only; its clock has 100 ticks a second. */
  cpuMs(): number {
    const stat = readFileSync(`/proc/${this.pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return (Number(fields[11]) + Number(fields[12])) * 10;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.stop();
    } finally {
      if (this.ownsDataDir) rmSync(this.dataDir, { recursive: true, force: true });
    }
  }
}
