import type { ChildProcess } from "node:child_process";
import type { Duplex } from "node:stream";
import { AgentError, type Logger, type Manifest } from "all-use-agent/sdk";
import { type ChannelOwner, ChildChannel } from "./child-channel.ts";
import type { Message } from "./frames.ts";
import { LATEST_FD } from "./latest-question.ts";
import { launch, memoryBudgetBytes } from "./launcher.ts";
import { errorFrom } from "./messages.ts";
import { ProcessOutput } from "./output.ts";
import { startGate } from "./start-gate.ts";
import { ProcessWatch } from "./watch.ts";

/** Between its exit and the end of what it wrote. */
const DRAIN_MS = 100;

/** How V8 and Node say so, in what they print or throw. */
const OUT_OF_MEMORY = /out of memory|Array buffer allocation failed|Failed to allocate memory|Committing semi space failed/;

export interface ProcessOwner extends Omit<ChannelOwner, "violated" | "heard"> {
  /** Whether there is to be a process, asked when its turn to start has come. */
  wanted(): boolean;
  /** It ended, or was ended, without being told to; `final` when there must not be another. */
  ended(error: AgentError, final: boolean): void;
}

/** One life of a plugin's process: launched, watched, spoken with, ended. */
export class PluginProcess {
  readonly channel: ChildChannel;
  readonly limits: readonly string[];
  private readonly owner: ProcessOwner;
  private readonly child: ChildProcess;
  private readonly booted: () => void;
  private readonly output: ProcessOutput;
  private watch: ProcessWatch | null = null;
  private over = false;
  private lastUsage = { residentBytes: 0, cpuMs: 0 };
  private readonly exited: Promise<void>;

  /** Throws when it cannot be launched at all. */
  static async launch(folder: string, manifest: Manifest, log: Logger, owner: ProcessOwner): Promise<PluginProcess> {
    const booted = await startGate.enter();
    try {
      if (!owner.wanted()) throw new AgentError("stopped", "it was stopped before its process was started");
      const { child, limits } = await launch(folder, manifest);
      child.once("exit", booted).once("error", booted);
      return new PluginProcess(child, limits, memoryBudgetBytes(manifest), log, owner, booted);
    } catch (error) {
      booted();
      throw error;
    }
  }

  private constructor(
    child: ChildProcess,
    limits: readonly string[],
    budgetBytes: number,
    log: Logger,
    owner: ProcessOwner,
    booted: () => void,
  ) {
    this.child = child;
    this.booted = booted;
    this.limits = limits;
    this.owner = owner;
    this.output = new ProcessOutput([child.stdout!, child.stderr!], log);
    this.channel = new ChildChannel(child, {
      now: owner.now,
      batch: owner.batch,
      processed: owner.processed,
      slowed: owner.slowed,
      heard: () => this.watch?.heard(),
      message: (message) => this.take(message, budgetBytes),
      violated: (error) => this.kill(error, true),
    });
    this.exited = new Promise((resolve) => {
      child.once("exit", (code, signal) => {
        resolve();
        // What it said last may still be in the pipe.
        setTimeout(() => this.end(this.exitError(code, signal), false), DRAIN_MS);
      });
      child.once("error", (error) => {
        resolve();
        this.end(new AgentError("process_failed", `its process could not be started: ${error.message}`), false);
      });
    });
  }

  get pid(): number | null {
    return this.over ? null : (this.child.pid ?? null);
  }

  /** Where it asks for the latest samples; null when it may not. */
  get latestPipe(): Duplex | null {
    return ((this.child.stdio as readonly unknown[])[LATEST_FD] as Duplex | undefined) ?? null;
  }

  get usage(): { residentBytes: number; cpuMs: number } {
    return this.watch ?? this.lastUsage;
  }

  get lastLines(): readonly string[] {
    return this.output.lastLines;
  }

  kill(error: AgentError, final = false): void {
    this.child.kill("SIGKILL");
    this.end(error, final);
  }

  /** Ends it without a complaint; resolves when it is gone. */
  async close(): Promise<void> {
    this.dispose(new AgentError("stopped", "its process was stopped"));
    this.child.kill("SIGKILL");
    await this.exited;
  }

  private take(message: Message, budgetBytes: number): void {
    const { json } = message;
    if (json.t === "hello") {
      this.booted();
      this.watch ??= new ProcessWatch({
        pid: this.child.pid!,
        budgetBytes,
        ping: () => this.channel.send({ t: "ping" }),
        exceeded: (error) => this.kill(error),
      });
    } else if (json.t === "pong") this.watch?.answered(json["residentBytes"], json["cpuMs"]);
    else if (json.t === "crashed") this.kill(crashError(errorFrom(json["error"])));
    else this.owner.message(message);
  }

  private exitError(code: number | null, signal: NodeJS.Signals | null): AgentError {
    if (OUT_OF_MEMORY.test(this.lastLines.join("\n"))) return outOfMemory();
    return new AgentError(
      "crashed",
      signal ? `its process was ended by ${signal}` : `its process exited with status ${code ?? 0}`,
    );
  }

  private end(error: AgentError, final: boolean): void {
    if (this.over) return;
    this.dispose(error);
    this.owner.ended(error, final);
  }

  private dispose(error: AgentError): void {
    this.over = true;
    if (this.watch) this.lastUsage = { residentBytes: 0, cpuMs: this.watch.cpuMs };
    this.watch?.dispose();
    this.watch = null;
    this.output.dispose();
    this.channel.close(error);
  }
}

function outOfMemory(): AgentError {
  return new AgentError("memory_exceeded", "its process ran out of the memory of its budget (budget.memory_mb)");
}

function crashError(error: AgentError): AgentError {
  return OUT_OF_MEMORY.test(error.message) ? outOfMemory() : error;
}
