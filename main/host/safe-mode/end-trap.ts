import { type Attributable, ownerNow } from "../attribution.ts";

/**
 * Notices when the code of a plugin inside the agent ends the process by itself. `abort` and `kill` leave no event, so they are
 * wrapped.
 */
export function watchEnd(
  owners: () => Iterable<Attributable>,
  ended: (owner: Attributable, what: string) => void,
): { dispose(): void } {
  const note = (does: string): void => {
    const owner = ownerNow(owners());
    if (owner) ended(owner, `${owner.id} ${does} inside the agent`);
  };
  const onExit = (status: number): void => note(`ended the process with status ${status}`);
  process.on("exit", onExit);
  const abort = process.abort.bind(process);
  const kill = process.kill.bind(process);
  process.abort = (): never => {
    note("aborted the process");
    return abort();
  };
  process.kill = (pid, signal) => {
    // 0 is the whole group, and a signal of 0 only asks.
    if ((pid === process.pid || pid === 0 || pid === -process.pid) && signal !== 0) note("killed the process");
    return kill(pid, signal);
  };
  return {
    dispose: () => {
      process.off("exit", onExit);
      Object.assign(process, { abort, kill });
    },
  };
}
