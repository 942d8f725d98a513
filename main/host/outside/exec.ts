import { type ChildProcess, spawn } from "node:child_process";
import { access, constants } from "node:fs/promises";
import { setPriority } from "node:os";
import { delimiter, isAbsolute, join, parse } from "node:path";
import {
  AgentError,
  errorText,
  type ExecAnswer,
  type ExecOptions,
  OUTSIDE_MAX_BYTES,
  OUTSIDE_SENT_MAX_BYTES,
} from "all-use-agent/sdk";
import { confinement } from "../process/confinement.ts";
import type { Permissions } from "../process/permissions.ts";
import { deadlineOf, tooMuchSent } from "./limits.ts";

const STDERR_MAX_BYTES = 64 * 1024;
const ARGUMENTS_MAX = 200;
const ARGUMENTS_MAX_BYTES = 64 * 1024;
const NICE = 5;

/** Runs a program for a plugin to its end, in a process group of its own that is killed when its time is over. */
export async function execOutside(
  permissions: Permissions,
  program: string,
  args: readonly string[],
  options: ExecOptions,
  stopping: AbortSignal,
): Promise<ExecAnswer> {
  permissions.needExec(program);
  const input = options.input === undefined ? null : Buffer.from(options.input as string);
  if (input !== null && input.length > OUTSIDE_SENT_MAX_BYTES) throw tooMuchSent("the input", input.length);
  if (args.length > ARGUMENTS_MAX || Buffer.byteLength(args.join(" ")) > ARGUMENTS_MAX_BYTES)
    throw new AgentError("too_large", `at most ${ARGUMENTS_MAX} arguments of ${ARGUMENTS_MAX_BYTES} bytes can be given`);
  const deadline = deadlineOf(`the end of ${program}`, options.timeoutMs, [stopping, options.signal]);
  try {
    const file = await findProgram(program);
    // Where the system can, the program ends with the agent, however that ends.
    const prefix = (await confinement()).setpriv ? ["setpriv", "--pdeathsig", "KILL", "--"] : [];
    const [command, ...rest] = [...prefix, file, ...args];
    deadline.signal.throwIfAborted();
    return await run(spawnClean(command, rest), program, input, deadline.signal);
  } catch (error) {
    const reason = deadline.reason();
    if (reason !== null) throw reason;
    if (error instanceof AgentError) throw error;
    throw new AgentError("exec_failed", `${program} could not be run: ${errorText(error)}`, { where: program, cause: error });
  } finally {
    deadline.dispose();
  }
}

/** The first of that name in the agent's PATH; what is relative there would depend on where the agent was started. */
async function findProgram(program: string): Promise<string> {
  const folders = (process.env["PATH"] ?? "").split(delimiter).filter((folder) => isAbsolute(folder));
  const candidates = isAbsolute(program) ? [program] : folders.map((folder) => join(folder, program));
  for (const candidate of candidates) {
    const suffixes = process.platform === "win32" && !/\.exe$/i.test(candidate) ? [".exe"] : [""];
    for (const suffix of suffixes) {
      const found = await access(candidate + suffix, constants.X_OK).then(
        () => true,
        () => false,
      );
      if (found) return candidate + suffix;
    }
  }
  throw new AgentError("exec_failed", `there is no program ${program} that may be started`, { where: program });
}

function spawnClean(command: string, args: readonly string[]): ChildProcess {
  const env: NodeJS.ProcessEnv = {};
  for (const name of ["PATH", "TZ", "LANG", "LC_ALL", "SystemRoot", "TEMP"]) {
    const value = process.env[name];
    if (value !== undefined) env[name] = value;
  }
  const child = spawn(command, args, {
    cwd: parse(process.execPath).root,
    env,
    detached: process.platform !== "win32",
    stdio: ["pipe", "pipe", "pipe"],
    windowsHide: true,
  });
  try {
    if (child.pid !== undefined) setPriority(child.pid, NICE);
  } catch {
    // It ended already: the samples' way has the processor anyway.
  }
  return child;
}

function run(child: ChildProcess, program: string, input: Uint8Array | null, signal: AbortSignal): Promise<ExecAnswer> {
  const { stdin, stdout, stderr } = child;
  const printed: Buffer[] = [];
  const complaints: Buffer[] = [];
  let printedBytes = 0;
  let complaintBytes = 0;
  return new Promise((resolve, reject) => {
    const kill = (error: Error): void => {
      killGroup(child);
      reject(error);
    };
    const abort = (): void => kill(signal.reason as Error);
    signal.addEventListener("abort", abort, { once: true });
    child.once("error", (error) => reject(error));
    stdout!.on("data", (chunk: Buffer) => {
      printedBytes += chunk.length;
      if (printedBytes <= OUTSIDE_MAX_BYTES) printed.push(chunk);
      else kill(new AgentError("too_large", `${program} prints more than the ${OUTSIDE_MAX_BYTES} bytes that are taken`));
    });
    stderr!.on("data", (chunk: Buffer) => {
      const left = STDERR_MAX_BYTES - complaintBytes;
      if (left > 0) complaints.push(chunk.subarray(0, left));
      complaintBytes += Math.min(left, chunk.length);
    });
    // A program that does not read its input closes the pipe.
    stdin!.on("error", () => {});
    stdin!.end(input ?? undefined);
    // What it left behind would keep its pipes open, and run on.
    child.once("exit", () => killGroup(child));
    child.once("close", (status) => {
      signal.removeEventListener("abort", abort);
      resolve({
        status,
        stdout: new Uint8Array(Buffer.concat(printed)),
        stderr: new Uint8Array(Buffer.concat(complaints)),
      });
    });
  });
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    if (process.platform === "win32") child.kill("SIGKILL");
    else process.kill(-child.pid, "SIGKILL");
  } catch {
    // Nobody of the group is left.
  }
}
