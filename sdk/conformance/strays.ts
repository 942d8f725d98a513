/** Typed as one of them: both hand over the error first. */
const EVENTS = ["uncaughtException", "unhandledRejection" as "uncaughtException"] as const;

/** Runs `task` and returns the errors that nobody caught meanwhile, which would end a plugin's process. */
export async function strays(task: () => Promise<void>): Promise<unknown[]> {
  const found: unknown[] = [];
  const note = (error: unknown): void => void found.push(error);
  // A test framework would take them for its own.
  const others = EVENTS.map((event) => process.listeners(event));
  for (const event of EVENTS) process.removeAllListeners(event).on(event, note);
  try {
    await task();
    // What nobody awaits is told of after the queues have run dry.
    for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve));
  } finally {
    EVENTS.forEach((event, i) => {
      process.off(event, note);
      for (const listener of others[i]) process.on(event, listener);
    });
  }
  return found;
}
