import { agentVersion } from "./version.ts";
import { BAD_USAGE, DONE, FAILED, oneSentence, UsageError } from "./usage.ts";

/** A command: what it is called with after its name → its exit status. Throws UsageError and AgentError. */
export interface Command {
  readonly help: string;
  run(args: readonly string[]): Promise<number>;
}

interface Listed {
  readonly summary: string;
  load(): Promise<Command>;
}

const COMMANDS: Readonly<Record<string, Listed>> = {
  start: { summary: "run the agent headless in the foreground", load: async () => (await import("./start.ts")).start },
  status: { summary: "what runs and what it costs", load: async () => (await import("./status.ts")).status },
  query: { summary: "ask the agent in PromQL", load: async () => (await import("./query.ts")).query },
  import: { summary: "send samples from files to the agent", load: async () => (await import("./import.ts")).importCommand },
  plugin: {
    summary: "list, configure, write, test, pack, add and remove plugins",
    load: async () => (await import("./plugin.ts")).plugin,
  },
  audit: {
    summary: "what plugins and the operator did, and whether the log is intact",
    load: async () => (await import("./audit.ts")).audit,
  },
  doctor: { summary: "what is wrong and what to do", load: async () => (await import("./doctor.ts")).doctor },
};

function help(): string {
  const width = Math.max(...Object.keys(COMMANDS).map((name) => name.length));
  const lines = Object.entries(COMMANDS).map(([name, { summary }]) => `  ${name.padEnd(width)}  ${summary}`);
  return `Usage: alluse <command> [options]

${lines.join("\n")}

  --help     help, also for each command: alluse query --help
  --version  the version

Exit status: 0 done, 1 failed, 2 bad usage.
`;
}

/** Runs one command line; every error becomes one sentence on stderr. Returns the exit status. */
export async function runCommand(args: readonly string[]): Promise<number> {
  const [name, ...rest] = args;
  if (name === "--help" || name === "-h" || name === "help") {
    process.stdout.write(help());
    return DONE;
  }
  if (name === "--version" || name === "-v") {
    process.stdout.write(`${agentVersion()}\n`);
    return DONE;
  }
  if (name === undefined) return misused("No command is given", "alluse");
  const listed = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (listed === undefined) {
    return misused(
      name.startsWith("-") ? `There is no option ${name} before a command` : `There is no command ${JSON.stringify(name)}`,
      "alluse",
    );
  }
  try {
    const command = await listed.load();
    // Before anything is checked: who asks for help has not finished the line.
    const end = rest.indexOf("--");
    if ((end < 0 ? rest : rest.slice(0, end)).some((arg) => arg === "--help" || arg === "-h")) {
      process.stdout.write(command.help);
      return DONE;
    }
    return await command.run(rest);
  } catch (error) {
    if (error instanceof UsageError) return misused(oneSentence(error), `alluse ${name}`);
    process.stderr.write(`alluse ${name}: ${oneSentence(error)}\n`);
    return FAILED;
  }
}

function misused(sentence: string, command: string): number {
  process.stderr.write(`${command}: ${sentence.replace(/\.$/, "")}; ${command} --help shows what there is.\n`);
  return BAD_USAGE;
}
