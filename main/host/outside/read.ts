import { constants } from "node:fs";
import { open, realpath, stat } from "node:fs/promises";
import { isAbsolute, resolve } from "node:path";
import { AgentError, errorText, OUTSIDE_MAX_BYTES, pathLiesIn } from "all-use-agent/sdk";
import type { Permissions } from "../process/permissions.ts";

const CHUNK_BYTES = 64 * 1024;

/**
 * Reads a file for a plugin. Links are resolved first, and what was opened is looked up again, so that neither a link nor a
 * file exchanged in between leads out of the grant. `secret` are folders of the agent that no grant opens.
 */
export async function readOutside(permissions: Permissions, path: string, secret: readonly string[]): Promise<Uint8Array> {
  if (typeof path !== "string" || !isAbsolute(path))
    throw new AgentError("read_failed", `a path must be absolute, found ${JSON.stringify(path)}`);
  const places = await resolved(permissions.readablePaths.filter((place) => isAbsolute(place.path)));
  const real = await realpath(path).catch((error: unknown) => {
    // Whether something is there is told only of places that are granted.
    permissions.needFile(path, resolve(path), [...permissions.readablePaths, ...places]);
    throw failed(path, error);
  });
  permissions.needFile(path, real, places);
  const closed = await resolved([...secret, ...ownProcess()].map((folder) => ({ path: folder })));
  if (closed.some((folder) => pathLiesIn(real, folder.path)))
    throw new AgentError("permission_denied", `${path} belongs to the agent itself, which no permission opens`);
  // A pipe without a writer would keep a thread waiting for ever; O_NONBLOCK opens it, and it is then refused.
  const file = await open(real, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | (constants.O_NOFOLLOW ?? 0)).catch(
    (error: unknown) => {
      throw failed(path, error);
    },
  );
  try {
    const [opened, now] = await Promise.all([file.stat(), realpath(real).then((again) => stat(again))]);
    if (opened.ino !== now.ino || opened.dev !== now.dev || (await realpath(real)) !== real)
      throw new AgentError("read_failed", `${path} was exchanged while it was opened`);
    if (!opened.isFile()) throw new AgentError("read_failed", `${path} is no ordinary file`);
    if (opened.size > OUTSIDE_MAX_BYTES) throw tooLarge(path);
    const parts: Uint8Array[] = [];
    let length = 0;
    // Files of /proc say that they are empty: they are read until their end.
    for (;;) {
      const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(CHUNK_BYTES), 0, CHUNK_BYTES, null);
      if (bytesRead === 0) break;
      length += bytesRead;
      if (length > OUTSIDE_MAX_BYTES) throw tooLarge(path);
      parts.push(buffer.subarray(0, bytesRead));
    }
    return new Uint8Array(Buffer.concat(parts, length));
  } catch (error) {
    throw error instanceof AgentError ? error : failed(path, error);
  } finally {
    await file.close();
  }
}

/** Where paths lead to: a granted one may itself be a link, as /etc/os-release is. */
async function resolved<T extends { path: string }>(places: readonly T[]): Promise<T[]> {
  return Promise.all(places.map(async (place) => ({ ...place, path: await realpath(place.path).catch(() => place.path) })));
}

/** The agent's environment and memory stand there, beside figures that `/proc` gives of anyone. */
function ownProcess(): string[] {
  return process.platform === "linux" ? [`/proc/${process.pid}`] : [];
}

function tooLarge(path: string): AgentError {
  return new AgentError("too_large", `${path} has more than the ${OUTSIDE_MAX_BYTES} bytes that can be read at once`);
}

function failed(path: string, error: unknown): AgentError {
  return new AgentError("read_failed", `${path} cannot be read: ${errorText(error)}`, { where: path, cause: error });
}
