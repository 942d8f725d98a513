import { accessSync, closeSync, constants, mkdirSync, openSync, readFileSync, rmSync, unlinkSync, writeSync } from "node:fs";
import { join } from "node:path";
import { AgentError, errorText } from "all-use-agent/sdk";

const LOCK_NAME = "agent.lock";

/**
 * Makes the data folder ready (mode 0700) and locks it, so that two agents never write one store.
 * Throws `data_dir_unwritable`, `data_dir_locked`; then nothing in the folder was changed.
 */
export function openDataDir(path: string): { dispose(): void } {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    throw new AgentError(
      "data_dir_unwritable",
      `the data folder ${path} cannot be used (${errorText(error)}): choose another with --data-dir or mend its permissions`,
      {
        where: path,
        cause: error,
      },
    );
  }
  return lock(path);
}

function lock(path: string): { dispose(): void } {
  const file = join(path, LOCK_NAME);
  // Twice: a lock left by a dead process is taken away once.
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      const fd = openSync(file, "wx", 0o600);
      writeSync(fd, JSON.stringify({ pid: process.pid, started: startTime(process.pid) }));
      closeSync(fd);
      return { dispose: () => rmSync(file, { force: true }) };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") {
        throw new AgentError(
          "data_dir_unwritable",
          `the data folder ${path} cannot be written (${errorText(error)}): choose another with --data-dir or make room`,
          {
            where: path,
            cause: error,
          },
        );
      }
      const holder = liveHolder(file);
      if (holder !== null) {
        throw new AgentError(
          "data_dir_locked",
          `the data folder ${path} belongs to a running agent (pid ${holder}): stop that one or choose another with --data-dir`,
          { where: path },
        );
      }
      unlinkSync(file);
    }
  }
  throw new AgentError("data_dir_locked", `the data folder ${path} is being taken by another agent at this moment: try again`, {
    where: path,
  });
}

/** The pid in the lock file if that very process still lives, else null: pids are reused, so its start time counts too. */
function liveHolder(file: string): number | null {
  try {
    const { pid, started } = JSON.parse(readFileSync(file, "utf8")) as { pid: number; started: string | null };
    if (pid === process.pid) return null;
    process.kill(pid, 0);
    return started === null || startTime(pid) === started ? pid : null;
  } catch (error) {
    // EPERM: it lives and belongs to someone else.
    return (error as NodeJS.ErrnoException).code === "EPERM" ? 0 : null;
  }
}

/** Field 22 of /proc/<pid>/stat, clock ticks since boot; null where there is no /proc. */
function startTime(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? null;
  } catch {
    return null;
  }
}
