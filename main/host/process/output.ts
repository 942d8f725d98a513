import type { Readable } from "node:stream";
import type { Logger } from "all-use-agent/sdk";
import { Throttle } from "./throttle.ts";

const BYTES_PER_SECOND = 64 * 1024;
const LINES_PER_SECOND = 20;
const LINE_MAX_CHARACTERS = 1000;
/** The last lines are the evidence of a crash. */
const KEPT_LINES = 20;

/** What a process prints: into the plugin's log, a few lines a second, the rest counted. */
export class ProcessOutput {
  readonly lastLines: string[] = [];
  private readonly log: Logger;
  private readonly throttles: Throttle[];
  private second = 0;
  private lines = 0;

  constructor(streams: readonly Readable[], log: Logger) {
    this.log = log;
    this.throttles = streams.map((stream) => {
      let rest = "";
      return new Throttle(stream, BYTES_PER_SECOND, (chunk) => {
        const lines = (rest + chunk.toString("utf8")).split("\n");
        rest = lines.pop()!.slice(-LINE_MAX_CHARACTERS);
        for (const line of lines) this.line(line);
      });
    });
  }

  dispose(): void {
    for (const throttle of this.throttles) throttle.dispose();
  }

  private line(line: string): void {
    const text = line.slice(0, LINE_MAX_CHARACTERS);
    if (text.trim() === "") return;
    this.lastLines.push(text);
    if (this.lastLines.length > KEPT_LINES) this.lastLines.shift();
    const second = Math.floor(performance.now() / 1000);
    if (second !== this.second) {
      if (this.lines > LINES_PER_SECOND) this.log.info(`${this.lines - LINES_PER_SECOND} printed lines were left out`);
      this.second = second;
      this.lines = 0;
    }
    if (++this.lines <= LINES_PER_SECOND) this.log.info(`printed: ${text}`);
  }
}
