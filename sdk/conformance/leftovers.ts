import { AsyncLocalStorage, createHook } from "node:async_hooks";

/** What keeps a process awake or watches something. Other resources go by themselves. */
const HELD = new Set([
  "Timeout",
  "FSEVENTWRAP",
  "STATWATCHER",
  "TCPWRAP",
  "TCPSERVERWRAP",
  "PIPEWRAP",
  "PIPESERVERWRAP",
  "UDPWRAP",
  "PROCESSWRAP",
  "WORKER",
]);
/** A process that was told to end may take a moment: 3 s, in looks, so that a machine that is held up costs nothing of it. */
const LOOK_MS = 50;
const GRACE_LOOKS = 60;

/** Runs `task` and names the kinds of resources it started and left open. Only its own: neighbours do not count. */
export async function leftovers(task: () => Promise<void>): Promise<string[]> {
  const mine = new AsyncLocalStorage<true>();
  const open = new Map<number, string>();
  const hook = createHook({
    init(id, type) {
      if (HELD.has(type) && mine.getStore()) open.set(id, type);
    },
    destroy: (id) => void open.delete(id),
  });
  hook.enable();
  try {
    await mine.run(true, task);
    await pause(5);
    for (let look = 0; open.size > 0 && look < GRACE_LOOKS; look++) await pause(LOOK_MS);
    return [...new Set(open.values())].sort();
  } finally {
    hook.disable();
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
