import type { Manifest } from "all-use-agent/sdk";

type Sentence = (what: string | undefined) => string;

const SENTENCES: Readonly<Record<string, Sentence>> = {
  read: (what) => (what === undefined ? "reads any file" : `reads files in ${what}`),
  net: (what) => (what === undefined ? "connects to anything over the network" : `connects to ${what} over the network`),
  exec: (what) => (what === undefined ? "starts any program" : `starts the program ${what}`),
  "metrics:read": (what) => (what === undefined ? "reads every metric" : `reads metrics named ${what}`),
  "metrics:write": (what) =>
    what === undefined ? "writes metrics of any name" : `writes metrics whose names begin with ${what}`,
  documents: () => "keeps and reads documents in the agent's document store",
  notify: () => "sends notifications to your desktop",
  act: (what) => (what === undefined ? "changes things on this machine" : `changes things on this machine: ${what}`),
};

/** What a permission allows, for people: after "it". */
export function permissionSentence(permission: string): string {
  const name = Object.keys(SENTENCES).find((known) => permission === known || permission.startsWith(`${known}:`));
  if (name === undefined) return permission;
  const what = permission.slice(name.length + 1);
  return SENTENCES[name](what === "" ? undefined : what);
}

/** What an exec plugin's program may do by being a program, or null for other plugins. */
export function programSentence({ exec }: Manifest): string | null {
  if (!exec) return null;
  return `starts the program ${exec.command.join(" ")}, which may read and write whatever its user may`;
}
