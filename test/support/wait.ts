/** A machine that is slow, shared or held up gets so many times as long as an ordinary one before a test gives up. */
const PATIENCE = 6;

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

/**
 * Asks again until the answer is something. `withinMs` is what an ordinary machine needs at the very most; only after
 * several times as long does it throw, with `what`. It proves that something happens, never how fast: note that as a figure.
 */
export async function until<T>(
  what: string,
  withinMs: number,
  ask: () => T | Promise<T>,
  everyMs = 100,
): Promise<NonNullable<T>> {
  const limitMs = withinMs * PATIENCE;
  const startMs = performance.now();
  for (;;) {
    // Asked once more after the limit: who was held up for longer than that has not waited at all.
    const late = performance.now() - startMs > limitMs;
    const answer = await ask();
    if (answer !== null && answer !== undefined && answer !== false) return answer;
    if (late) throw new Error(`waited ${limitMs} ms in vain for ${what}`);
    await sleep(everyMs);
  }
}
