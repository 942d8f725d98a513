import { positionOf } from "./errors.ts";

const MAX_KEPT = 100;

/** Warnings and infos that come with a result, each once, worded as Prometheus words them. */
export class Annotations {
  readonly warnings = new Set<string>();
  readonly infos = new Set<string>();
  private readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  /** The result may be wrong. `offset` is the place in the expression. */
  warn(message: string, offset: number): void {
    if (this.warnings.size < MAX_KEPT) this.warnings.add(`PromQL warning: ${message} (${positionOf(this.text, offset)})`);
  }

  /** The result is right, but maybe not to the question that was meant. */
  info(message: string, offset: number): void {
    if (this.infos.size < MAX_KEPT) this.infos.add(`PromQL info: ${message} (${positionOf(this.text, offset)})`);
  }
}
