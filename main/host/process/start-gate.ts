import { availableParallelism } from "node:os";

/**
 * Lets so many processes boot at a time and no more, restarts included: forking the agent stops it for 5 ms, and each boot keeps
 * a core busy for 40. Thirty crashed plugins that all come back in the same second would otherwise stop its ticks.
 */
export class StartGate {
  private readonly places: number;
  private readonly waiting: (() => void)[] = [];
  private taken = 0;

  constructor(places: number) {
    this.places = places;
  }

  /** Resolves when it is its turn, with what to call, once or more often, when the process has booted or ended. */
  async enter(): Promise<() => void> {
    if (this.taken < this.places) this.taken++;
    else await new Promise<void>((resolve) => this.waiting.push(resolve));
    let inside = true;
    return () => {
      if (inside) this.leave();
      inside = false;
    };
  }

  /** A place goes on to who waits longest. */
  private leave(): void {
    const next = this.waiting.shift();
    if (next) next();
    else this.taken--;
  }
}

/** Of this agent. */
export const startGate = new StartGate(Math.min(4, Math.max(1, availableParallelism() - 1)));
