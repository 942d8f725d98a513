import { AgentError } from "all-use-agent/sdk";

const NAME = /^[a-z0-9][a-z0-9-]{0,30}$/;

/** Of a plugin that the operator did not name instances of. */
export const DEFAULT_INSTANCE = "default";

/** Throws `instance_name_invalid`. */
export function checkInstanceName(name: string): void {
  if (!NAME.test(name) || name === DEFAULT_INSTANCE)
    throw new AgentError(
      "instance_name_invalid",
      `an instance's name is up to 31 lower-case letters, digits and dashes, and not "default"; found ${JSON.stringify(name.slice(0, 60))}`,
      { where: "instance" },
    );
}

/** `collectors/ping`, or `collectors/ping#lan` of a named instance: what reports, state and logs go by. */
export function instanceKey(id: string, instance: string): string {
  return instance === DEFAULT_INSTANCE ? id : `${id}#${instance}`;
}

export function splitKey(key: string): { id: string; instance: string } {
  const at = key.indexOf("#");
  return at < 0 ? { id: key, instance: DEFAULT_INSTANCE } : { id: key.slice(0, at), instance: key.slice(at + 1) };
}
