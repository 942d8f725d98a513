/** The permissions of `plugin.json`: their forms, and which of them another one includes. */

/** Each class, the form that its permissions have, and an example. */
export const PERMISSION_FORMS = {
  read: { form: "read:<absolute path>", example: "read:/proc" },
  net: { form: "net:<host>, net:<host>:<port> or net:*", example: "net:example.com:443" },
  exec: { form: "exec:<absolute path or name of a program>", example: "exec:/usr/bin/ipmitool" },
  "metrics:read": { form: "metrics:read or metrics:read:<name, * stands for any characters>", example: "metrics:read:node_*" },
  "metrics:write": { form: "metrics:write:<beginning of a metric's name>", example: "metrics:write:tides_" },
  documents: { form: "documents", example: "documents" },
  notify: { form: "notify", example: "notify" },
  act: { form: "act or act:<word>", example: "act:restart" },
} as const;

export type PermissionClass = keyof typeof PERMISSION_FORMS;

export interface ParsedPermission {
  readonly class: PermissionClass;
  /** null where the class is granted as a whole. */
  readonly argument: string | null;
}

const ARGUMENT_MAX_CHARACTERS = 400;
const NETWORK_PORT_MAX = 65_535;
/** `C:\Logs` and `C:/Logs`. */
const WINDOWS_PATH = /^[A-Za-z]:[\\/]/;
const HOST_NAME = /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*$/;
const PROGRAM_NAME = /^[A-Za-z0-9_][A-Za-z0-9_.+-]*$/;

/** The permission's parts, or null for a text of no known class. Says nothing about whether the argument is valid. */
export function splitPermission(permission: string): ParsedPermission | null {
  for (const name of Object.keys(PERMISSION_FORMS) as PermissionClass[]) {
    if (permission === name) return { class: name, argument: null };
    if (permission.startsWith(`${name}:`)) return { class: name, argument: permission.slice(name.length + 1) };
  }
  return null;
}

/** What is wrong with a permission, in a sentence that names the form expected, or null. */
export function permissionFault(permission: unknown): string | null {
  if (typeof permission !== "string") return `a permission is text, found ${JSON.stringify(permission)}`;
  const parsed = splitPermission(permission);
  if (parsed === null) {
    const close = closestClass(permission);
    const hint =
      close === null
        ? `expected one of ${Object.keys(PERMISSION_FORMS).join(", ")}`
        : `did you mean ${PERMISSION_FORMS[close].form}?`;
    return `${JSON.stringify(permission)} is no permission: ${hint}`;
  }
  const reason = argumentFault(parsed);
  if (reason === null) return null;
  const { form, example } = PERMISSION_FORMS[parsed.class];
  return `${JSON.stringify(permission)} ${reason}: expected ${form}, for example ${example}`;
}

function argumentFault({ class: name, argument }: ParsedPermission): string | null {
  if (argument === null) return ["metrics:read", "documents", "notify", "act"].includes(name) ? null : "does not say what";
  if (argument.length > ARGUMENT_MAX_CHARACTERS) return `is longer than ${ARGUMENT_MAX_CHARACTERS} characters`;
  switch (name) {
    case "read":
      return pathFault(argument);
    case "exec":
      return /[\\/]/.test(argument) ? pathFault(argument) : PROGRAM_NAME.test(argument) ? null : "names no program";
    case "net":
      return parseNetwork(argument) === null ? "names no host and port" : null;
    case "metrics:read":
      return /^[a-zA-Z0-9_:*]+$/.test(argument) ? null : "names no metric";
    case "metrics:write":
      return /^[a-zA-Z_:][a-zA-Z0-9_:]*\*?$/.test(argument) ? null : "is no beginning of a metric's name";
    case "act":
      return /^[a-z][a-z0-9_.-]*$/.test(argument) ? null : "names no action";
    default:
      return "takes nothing after its name";
  }
}

function pathFault(path: string): string | null {
  if (!path.startsWith("/") && !WINDOWS_PATH.test(path)) return "has a path that is not absolute";
  if (path.split(/[\\/]/).some((part) => part === ".." || part === ".")) return "has a path with . or .. in it";
  // Node's permission model takes a star for any characters and a comma for the next path.
  if (/[*,\u0000-\u001f]/.test(path)) return "has a path with a star, a comma or a control character";
  return null;
}

/** `null` is any host, or any port. */
export interface NetworkTarget {
  readonly host: string | null;
  readonly port: number | null;
}

/** The argument of a `net:` permission, or null when it is none. Hosts are lower-case; IPv6 addresses stand in brackets. */
export function parseNetwork(argument: string): NetworkTarget | null {
  if (argument === "*") return { host: null, port: null };
  const match = /^(\[[0-9a-fA-F:.]+\]|[^:[\]]+)(?::(\d{1,5}))?$/.exec(argument);
  if (!match) return null;
  const port = match[2] === undefined ? null : Number(match[2]);
  if (port !== null && (port < 1 || port > NETWORK_PORT_MAX)) return null;
  const host = canonicalHost(match[1]);
  return host === null ? null : { host, port };
}

/** A host as URLs write it, so that one address has one spelling: `[::1]`, `127.0.0.1`. null when it is none. */
export function canonicalHost(host: string): string | null {
  const text = host.toLowerCase().replace(/\.$/, "");
  if (!text.startsWith("[") && !HOST_NAME.test(text)) return null;
  return URL.canParse(`http://${text}/`) ? new URL(`http://${text}/`).hostname : null;
}

/** Whether whoever has `granted` has `asked`, too: `read:/etc` includes `read:/etc/hosts`. Both must be valid. */
export function permissionCovers(granted: string, asked: string): boolean {
  if (granted === asked) return true;
  const [a, b] = [splitPermission(granted), splitPermission(asked)];
  if (a === null || b === null || a.class !== b.class) return false;
  if (a.argument === null) return true;
  if (b.argument === null) return a.class === "metrics:read" && /^\*+$/.test(a.argument);
  switch (a.class) {
    case "read":
      return pathLiesIn(b.argument, a.argument);
    case "net":
      return networkCovers(parseNetwork(a.argument), parseNetwork(b.argument));
    case "metrics:read":
      return metricPattern(a.argument).test(b.argument);
    case "metrics:write":
      return b.argument.replace(/\*$/, "").startsWith(a.argument.replace(/\*$/, ""));
    default:
      return false;
  }
}

export function networkCovers(granted: NetworkTarget | null, asked: NetworkTarget | null): boolean {
  if (granted === null || asked === null) return false;
  return (granted.host === null || granted.host === asked.host) && (granted.port === null || granted.port === asked.port);
}

/** Whether a path is another one or below it. Both absolute, of one system, without `..`. */
export function pathLiesIn(path: string, folder: string): boolean {
  const windows = WINDOWS_PATH.test(folder);
  const parts = (text: string): string[] =>
    (windows ? text.toLowerCase() : text).split(windows ? /[\\/]/ : "/").filter((part) => part !== "");
  if (windows !== WINDOWS_PATH.test(path)) return false;
  const [outer, inner] = [parts(folder), parts(path)];
  return outer.every((part, i) => part === inner[i]);
}

/** `node_*` and the like: a star is any run of characters. */
export function metricPattern(glob: string): RegExp {
  return new RegExp(`^${glob.replace(/[.+?^${}()|[\]\\]/g, "\\$&").replace(/\*+/g, ".*")}$`, "s");
}

/** The class that a slip of the pen was meant to be: `exce:` is one swap from `exec`. */
function closestClass(permission: string): PermissionClass | null {
  const word = permission
    .split(":")
    .slice(0, permission.startsWith("metric") ? 2 : 1)
    .join(":")
    .toLowerCase();
  let best: PermissionClass | null = null;
  let bestDistance = 3;
  for (const name of Object.keys(PERMISSION_FORMS) as PermissionClass[]) {
    const distance = letterDistance(word, name);
    if (distance < bestDistance) [best, bestDistance] = [name, distance];
  }
  return best;
}

/** How many letters one word has that the other has not: enough to tell eight short words apart. */
function letterDistance(a: string, b: string): number {
  const rest = b.split("");
  let missing = 0;
  for (const letter of a) {
    const at = rest.indexOf(letter);
    if (at < 0) missing++;
    else rest.splice(at, 1);
  }
  return Math.max(missing, rest.length);
}
