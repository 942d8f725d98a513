/** How long this machine kept a process waiting that wanted next to nothing of it: the yardstick for what others missed. */
const LOOK_MS = 50;
/** Less is the ordinary jitter of a timer. */
const JITTER_MS = 50;

export interface Stalls {
  /** All lateness so far, in milliseconds. */
  readonly heldUpMs: number;
  stop(): void;
}

/** Counts by how much a timer of this process is late, from now until it is stopped. */
export function watchStalls(): Stalls {
  let heldUpMs = 0;
  let lastMs = performance.now();
  const timer = setInterval(() => {
    const nowMs = performance.now();
    heldUpMs += Math.max(0, nowMs - lastMs - LOOK_MS - JITTER_MS);
    lastMs = nowMs;
  }, LOOK_MS);
  return {
    get heldUpMs() {
      return heldUpMs;
    },
    stop: () => clearInterval(timer),
  };
}
