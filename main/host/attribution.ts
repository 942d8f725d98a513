import { AsyncLocalStorage } from "node:async_hooks";

/** What uncaught errors are traced back to. */
export interface Attributable {
  readonly id: string;
  readonly folder: string;
  /** The error came out of a timer, an event or a promise that nobody awaited. */
  crashed(error: unknown): void;
}

const current = new AsyncLocalStorage<Attributable>();

/** Runs `task` so that whatever it starts, however late it fails, is traced back to `owner`. */
export function attributed<T>(owner: Attributable, task: () => T): T {
  return current.run(owner, task);
}

/** Whose code is running, or undefined. */
export function ownerNow(owners: Iterable<Attributable>): Attributable | undefined {
  return current.getStore() ?? ownerByStack(new Error(), owners);
}

/**
 * Catches what nobody caught. Errors of a plugin fail that plugin; those of no plugin go to `unowned`. Ownership is the
 * asynchronous context, or, where that was lost, the innermost plugin folder in the stack.
 */
export function watchUncaught(owners: () => Iterable<Attributable>, unowned: (error: unknown) => void): { dispose(): void } {
  const handle = (error: unknown): void => {
    const owner = current.getStore() ?? ownerByStack(error, owners());
    if (owner) owner.crashed(error);
    else unowned(error);
  };
  process.on("uncaughtException", handle);
  process.on("unhandledRejection", handle);
  return {
    dispose: () => {
      process.off("uncaughtException", handle);
      process.off("unhandledRejection", handle);
    },
  };
}

function ownerByStack(error: unknown, owners: Iterable<Attributable>): Attributable | undefined {
  const stack = error instanceof Error ? (error.stack ?? "") : "";
  for (const owner of owners) if (stack.includes(`${owner.folder}/`) || stack.includes(`${owner.folder}\\`)) return owner;
  return undefined;
}
