import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";

const FOLDER = "all-use-agent";

/** The folder that the operating system has for an application's data, and ours in it: the same for both shells. */
export function defaultDataDir(): string {
  const { env, platform } = process;
  if (platform === "win32") return join(env.LOCALAPPDATA || join(homedir(), "AppData", "Local"), FOLDER);
  if (platform === "darwin") return join(homedir(), "Library", "Application Support", FOLDER);
  // The XDG specification has relative paths ignored.
  const xdg = env.XDG_DATA_HOME;
  return join(xdg !== undefined && isAbsolute(xdg) ? xdg : join(homedir(), ".local", "share"), FOLDER);
}
