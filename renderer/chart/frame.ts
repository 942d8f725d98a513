/** One drawing of everything that changed per frame of the screen, however many ticks, moves and answers led to it. */

const waiting = new Set<() => void>();
let asked = false;

/** Calls `draw` once in the next frame. The same function asked for twice is called once. */
export function nextFrame(draw: () => void): void {
  waiting.add(draw);
  if (asked) return;
  asked = true;
  requestAnimationFrame(() => {
    asked = false;
    const now = [...waiting];
    waiting.clear();
    for (const one of now) one();
  });
}
