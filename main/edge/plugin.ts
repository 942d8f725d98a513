import type { Command } from "./commands.ts";
import { parseCommand, UsageError } from "./usage.ts";

/** One verb of `alluse plugin`: what follows it → the exit status. Throws UsageError and AgentError. */
export type PluginVerb = (args: readonly string[]) => Promise<number>;

const HELP = `Usage: alluse plugin list [--check] [--json]
       alluse plugin info ID [--json]
       alluse plugin log ID [--follow] [--json]
       alluse plugin new --kind KIND NAME [--language js|ts|python|sh] [--dir D]
       alluse plugin test DIR [--json]
       alluse plugin pack DIR [-o FILE] [--sign KEYFILE]
       alluse plugin add FOLDER|FILE [--replace] [--yes]
       alluse plugin remove ID
       alluse plugin enable|disable ID[#INSTANCE]
       alluse plugin config ID [KEY=VALUE…] [--instance I] [--json]
       alluse plugin collect ID[#INSTANCE] [--json]
       alluse plugin config ID --secret KEY|--forget KEY [--instance I]
       alluse plugin grant ID [PERMISSION…] [--yes]
       alluse plugin revoke ID PERMISSION
       alluse plugin keygen FILE
       alluse plugin trust add NAME KEY | list | remove NAME

  list     the plugins of the running agent with their state and cost; --check ends with 1 when one is not well
  log      the newest lines of its log, and each kind of its errors with how often it came; --follow waits for more
  info     all about one: state, cost, permissions, metrics, configuration
  new      writes a working plugin with its test and README, where the agent finds it or into the folder D;
           KIND is collector, processor, storage, analytics, model, recommender or exporter; a collector may be a program
           in any language: python and sh write one to begin with
  test     runs the conformance kit on a plugin's folder; of a program, runs it and checks what it prints
  pack     puts a plugin's folder into one file, the same bytes for the same content (default: NAME-VERSION.alluse-plugin)
  add      shows what a plugin is and asks for, and copies it to where the agent finds it; runs nothing of it, no npm
           and no scripts
  remove   takes an added plugin away, and what it was granted; its samples stay
  enable, disable   at once where an agent runs, else in config.json
  config   shows what it works with and what of it is set; KEY=VALUE sets, KEY= goes back to the default; the keys of
           what is inside are parted by dots. --secret KEY asks for its value, or reads it from a pipe: never from
           the command line. Of a collector, strategy.KEY=VALUE says when it is read: docs/strategies.md
  collect  has a collector read now, and tells what came of it
  grant    shows what a plugin asks beyond what it was granted, and grants it
  revoke   takes a permission away; the plugin runs on without it
  keygen   makes a private key to sign packages with, and prints the public one
  trust    whose signatures are shown by name

  --yes         grants what is shown without asking
  --data-dir D  the agent's data folder (default: the platform's)
  --json        output to parse
`;

const VERBS: Readonly<Record<string, () => Promise<PluginVerb>>> = {
  list: async () => (await import("./plugin/report.ts")).list,
  info: async () => (await import("./plugin/report.ts")).info,
  new: async () => (await import("./plugin/new.ts")).newPlugin,
  test: async () => (await import("./plugin/test-plugin.ts")).testPlugin,
  pack: async () => (await import("./plugin/package.ts")).pack,
  add: async () => (await import("./plugin/package.ts")).add,
  remove: async () => (await import("./plugin/package.ts")).remove,
  grant: async () => (await import("./plugin/grant.ts")).grant,
  revoke: async () => (await import("./plugin/grant.ts")).revoke,
  keygen: async () => (await import("./plugin/keys.ts")).keygen,
  trust: async () => (await import("./plugin/keys.ts")).trust,
  enable: async () => (await import("./plugin/switch.ts")).enable,
  config: async () => (await import("./plugin/config.ts")).config,
  collect: async () => (await import("./plugin/collect.ts")).collect,
  disable: async () => (await import("./plugin/switch.ts")).disable,
  log: async () => (await import("./plugin/log.ts")).log,
};

export const plugin: Command = {
  help: HELP,
  async run(args) {
    // The verb comes first, except after options of its own: `alluse plugin --json list` was always understood.
    const at = args.findIndex((arg, i) => !arg.startsWith("-") && args[i - 1] !== "--data-dir");
    const verb = at < 0 ? undefined : args[at];
    if (verb === undefined) {
      parseCommand(args, { "data-dir": { type: "string" }, json: { type: "boolean" } });
      throw new UsageError(`one of ${Object.keys(VERBS).join(", ")} is missing.`);
    }
    if (!Object.hasOwn(VERBS, verb)) throw new UsageError(`There is no plugin command ${JSON.stringify(verb)}.`);
    const run = await VERBS[verb]();
    return run(args.toSpliced(at, 1));
  },
};
