import fs from "node:fs";
import { basename } from "node:path";
import { redactSecrets } from "all-use-agent/sdk";

export type CommandLines = "redacted" | "full" | "none";

const LONGEST_BYTES = 4096;
const LONGEST_SHOWN = 400;
/** Programs that run a program: its file's name says what runs. */
const INTERPRETER = /^(?:node|nodejs|deno|bun|python[\d.]*|perl[\d.]*|ruby[\d.]*|php[\d.]*|bash|dash|sh|zsh|java)$/;
const SCRIPT = /^[^-][^=]*$/;

/**
 * What may be said of a command line. `redacted`: the program's name and, of an interpreter, its script's, no other argument.
 * `full`: all of it, but for what looks like a secret. The environment is never read.
 */
export function describeCommand(args: readonly string[], mode: CommandLines): string {
  if (mode === "none" || args.length === 0) return "";
  if (mode === "full") return clip(redactSecrets(args.join(" ")));
  // Some programs write a sentence over their arguments: "nginx: worker process".
  const title = /^([\w.-]{1,40}): /.exec(args[0])?.[1];
  if (title !== undefined) return title;
  const program = basename(args[0].split(" ", 1)[0]);
  if (!INTERPRETER.test(program)) return clip(program);
  if (program === "java") {
    const jar = args.indexOf("-jar");
    return jar > 0 && args[jar + 1] ? clip(`${program} ${basename(args[jar + 1])}`) : program;
  }
  // Behind an option there may be code, or its value: then nothing is said.
  const script = args[1];
  return script !== undefined && SCRIPT.test(script) && !/\s/.test(script) ? clip(`${program} ${basename(script)}`) : program;
}

/** The arguments of a process, at most 4 KB of them; none of a thread of the kernel or of one that is gone. */
export function readArguments(procPath: string, pid: number): string[] {
  let fd: number;
  try {
    fd = fs.openSync(`${procPath}/${pid}/cmdline`, "r");
  } catch {
    return [];
  }
  try {
    const bytes = Buffer.alloc(LONGEST_BYTES);
    const text = bytes.toString("utf8", 0, fs.readSync(fd, bytes, 0, LONGEST_BYTES, 0));
    return text.replace(/\0+$/, "").split("\0").filter(Boolean);
  } catch {
    return [];
  } finally {
    fs.closeSync(fd);
  }
}

function clip(text: string): string {
  // Control characters could make a terminal do things.
  const plain = text.replace(/[\u0000-\u001f\u007f-\u009f]+/g, " ");
  return plain.length > LONGEST_SHOWN ? `${plain.slice(0, LONGEST_SHOWN)}…` : plain;
}
