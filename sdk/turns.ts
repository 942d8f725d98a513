import { AgentError } from "./errors.ts";

/** Lets so many tasks run at once and so many wait; of more, each is refused. First come, first served. */
export class Turns {
  private readonly atOnce: number;
  private readonly waitingMax: number;
  private running = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(atOnce: number, waitingMax: number) {
    this.atOnce = atOnce;
    this.waitingMax = waitingMax;
  }

  /** Runs the task when it is its turn. Throws `receiver_busy`. */
  async run<T>(task: () => Promise<T>): Promise<T> {
    if (this.running >= this.atOnce) {
      if (this.waiting.length >= this.waitingMax)
        throw new AgentError("receiver_busy", `${this.waitingMax} requests wait already; send this one again later`);
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    } else this.running++;
    try {
      return await task();
    } finally {
      const next = this.waiting.shift();
      // Whoever waited takes the place over.
      if (next) next();
      else this.running--;
    }
  }
}
