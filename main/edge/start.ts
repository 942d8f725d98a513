import { resolve } from "node:path";
import type { Agent } from "../agent.ts";
import { startAgent } from "../agent.ts";
import { answerText } from "../api/answer.ts";
import { removeAgentFile, writeAgentFile } from "./agent-file.ts";
import type { Command } from "./commands.ts";
import { dataDirOf } from "./data-dir.ts";
import { startLean } from "./lean.ts";
import { listen } from "./listener.ts";
import { BAD_USAGE, DATA_DIR_OPTION, DONE, expectPositionals, FAILED, oneSentence, parseCommand, UsageError } from "./usage.ts";

export const DEFAULT_PORT = 8420;

const HELP = `Usage: alluse start [options]

Runs the agent headless in the foreground, on 127.0.0.1. Prints "ready http://127.0.0.1:PORT" when it can answer, then
the page's address with the token that signs a browser in. SIGTERM and SIGINT stop it, losing nothing; a second one
ends it at once.

  --data-dir D       the data folder (default: the platform's, below all-use-agent)
  --port N           the port (default ${DEFAULT_PORT}; 0 picks a free one)
  --config F         the configuration (default: config.json in the data folder)
  --auth none        ask for no token; for tests on a machine that nobody else uses
  --bare             only storage, query and the door: no collectors, no analytics, no retention
  --no-safe-mode     start every plugin, although earlier starts failed
  --clock simulated  time moves only when told to, by POST /api/agent/clock
`;

interface StartArguments {
  readonly dataDir: string;
  readonly port: number;
  readonly configFile: string | undefined;
  readonly auth: "token" | "none";
  readonly bare: boolean;
  readonly simulatedClock: boolean;
  readonly noSafeMode: boolean;
}

/** Throws UsageError. */
export function parseStart(args: readonly string[]): StartArguments {
  const { values, positionals } = parseCommand(args, {
    ...DATA_DIR_OPTION,
    port: { type: "string" },
    config: { type: "string" },
    auth: { type: "string" },
    bare: { type: "boolean" },
    clock: { type: "string" },
    "no-safe-mode": { type: "boolean" },
  });
  expectPositionals(positionals, []);
  const port = values.port ?? String(DEFAULT_PORT);
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535)
    throw new UsageError(`--port must be a number from 0 to 65535, found ${JSON.stringify(port)}.`);
  if (values.auth !== undefined && values.auth !== "token" && values.auth !== "none") {
    throw new UsageError(`--auth must be token or none, found ${JSON.stringify(values.auth)}.`);
  }
  if (values.clock !== undefined && values.clock !== "system" && values.clock !== "simulated") {
    throw new UsageError(`--clock must be system or simulated, found ${JSON.stringify(values.clock)}.`);
  }
  return {
    dataDir: dataDirOf(values["data-dir"]),
    port: Number(port),
    configFile: values.config === undefined ? undefined : resolve(values.config),
    auth: values.auth ?? "token",
    bare: values.bare ?? false,
    simulatedClock: values.clock === "simulated",
    noSafeMode: values["no-safe-mode"] ?? false,
  };
}

/**
 * Runs the agent until a signal stops it; resolves to the exit status. Errors are one sentence on stderr. With
 * `readyWithToken` the ready line itself carries what the page needs to sign in.
 */
export async function runStart(args: readonly string[], options: { readyWithToken: boolean }): Promise<number> {
  try {
    return await serve(parseStart(args), options.readyWithToken);
  } catch (error) {
    process.stderr.write(`alluse start: ${oneSentence(error)}\n`);
    return error instanceof UsageError ? BAD_USAGE : FAILED;
  }
}

async function serve(given: StartArguments, readyWithToken: boolean): Promise<number> {
  // Who started us may close the pipe once it has read the address; the agent goes on.
  process.stdout.on("error", () => undefined);
  const stopping = stopSignal();
  let agent: Agent | null = null;
  // The port first: that it is taken should be known before plugins start and the data folder is touched.
  const listener = await listen(given.port, async (request) => agent?.door(request) ?? answerText(503, "not ready"));
  try {
    agent = await startAgent({
      dataDir: given.dataDir,
      shell: "edge",
      bare: given.bare,
      simulatedClock: given.simulatedClock,
      noSafeMode: given.noSafeMode,
      auth: given.auth,
      ...(given.configFile !== undefined && { configFile: given.configFile }),
      onFatal: (error) => stopping.fail(error),
    });
    try {
      const { safeMode } = agent.status();
      if (safeMode) process.stderr.write(`alluse start: ${safeMode.reason}\n`);
      await writeAgentFile(agent.dataDir, { pid: process.pid, port: listener.port, startedMs: Date.now() });
      if (!stopping.requested) announce(listener.port, agent.token, readyWithToken);
      return await stopping.done;
    } finally {
      await listener.close();
      await removeAgentFile(agent.dataDir);
      await agent.stop();
    }
  } finally {
    await listener.close();
    stopping.dispose();
  }
}

function announce(port: number, token: string | null, readyWithToken: boolean): void {
  const address = `http://127.0.0.1:${port}`;
  const page = token === null ? `${address}/` : `${address}/?token=${token}`;
  if (token === null) {
    process.stderr.write(
      "WARNING: --auth none: every program and every user of this machine can read and change everything in this agent. For tests only.\n",
    );
  }
  process.stdout.write(readyWithToken ? `ready ${page}\n` : `ready ${address}\npage ${page}\n`);
}

interface StopSignal {
  readonly requested: boolean;
  /** Resolves to the exit status when the agent is to stop. */
  readonly done: Promise<number>;
  /** Stops because of an error that nobody caught. */
  fail(error: unknown): void;
  dispose(): void;
}

/** Ctrl-C, a supervisor's request, a closed terminal. The second one does not wait. */
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

function stopSignal(): StopSignal {
  let requested = false;
  let resolveDone: (status: number) => void = () => undefined;
  const done = new Promise<number>((resolve) => (resolveDone = resolve));
  const onSignal = (): void => {
    if (requested) process.exit(FAILED);
    requested = true;
    resolveDone(DONE);
  };
  for (const name of SIGNALS) process.on(name, onSignal);
  // Left alone, this signal lets any process of the same user open the debugger and with it everything the agent holds.
  process.on("SIGUSR1", () => undefined);
  return {
    get requested() {
      return requested;
    },
    done,
    fail(error) {
      process.stderr.write(`alluse start: stopping after an error inside: ${oneSentence(error)}\n`);
      requested = true;
      resolveDone(FAILED);
    },
    dispose() {
      for (const name of SIGNALS) process.off(name, onSignal);
    },
  };
}

export const start: Command = {
  help: HELP,
  async run(args) {
    parseStart(args);
    startLean(process.argv[1], process.argv.slice(2));
    const status = await runStart(args, { readyWithToken: false });
    // Everything is closed and written. A plugin that left a timer behind must not keep the process.
    process.exit(status);
  },
};
