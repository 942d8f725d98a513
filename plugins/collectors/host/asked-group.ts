import type { SeriesId } from "all-use-agent/sdk";
import type { Columns } from "./columns.ts";
import type { Group } from "./group.ts";

export type Answer = readonly (readonly [SeriesId, number])[];

/**
 * A group whose facts take a child process or a slow call to get: asked in the background at its own interval, its
 * answer given at the tick after it came, once. An answer that does not come keeps nothing waiting.
 */
export class AskedGroup implements Group {
  readonly name: string;
  readonly pace = "fast";
  private readonly everyMs: number;
  private readonly ask: () => Promise<Answer>;
  private askedMs = -Infinity;
  private asking = false;
  private answer: Answer | Error | null = null;

  constructor(name: string, everyMs: number, ask: () => Promise<Answer>) {
    this.name = name;
    this.everyMs = everyMs;
    this.ask = ask;
  }

  ready(): boolean {
    const nowMs = performance.now();
    if (!this.asking && this.answer === null && nowMs - this.askedMs >= this.everyMs) {
      this.askedMs = nowMs;
      this.asking = true;
      void this.wait();
    }
    return this.answer !== null;
  }

  read(out: Columns): void {
    const { answer } = this;
    this.answer = null;
    if (answer instanceof Error) throw answer;
    for (const [id, value] of answer ?? []) out.push(id, value);
  }

  close(): void {}

  private async wait(): Promise<void> {
    try {
      this.answer = await this.ask();
    } catch (error) {
      this.answer = error instanceof Error ? error : new Error(String(error));
    } finally {
      this.asking = false;
    }
  }
}
