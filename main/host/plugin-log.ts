import type { LogFields, PluginLogReport } from "all-use-agent/sdk";

const LINES_MAX = 200;
const LINE_MAX_CHARACTERS = 500;
/** Of all lines together: a plugin that logs little costs little, one that logs much this. */
const CHARACTERS_MAX = 32_000;
const KINDS_MAX = 50;

type Line = PluginLogReport["lines"][number];
type ErrorKind = { -readonly [K in keyof PluginLogReport["errors"][number]]: PluginLogReport["errors"][number][K] };

/** The newest lines of one plugin instance and each kind of its errors once, in memory. */
export class PluginLog {
  private readonly lines: Line[] = [];
  private characters = 0;
  private readonly kinds = new Map<string, ErrorKind>();

  /** `repeated`: the same line stands there already, a moment ago. */
  note(timeMs: number, level: string, message: string, fields: LogFields | undefined, repeated: boolean): void {
    const text = message.slice(0, LINE_MAX_CHARACTERS);
    if (!repeated) this.keep({ timeMs, level, message: text });
    if (level === "warn" || level === "error") this.count(timeMs, level, text, fields);
  }

  report(): PluginLogReport {
    const errors = [...this.kinds.values()].sort((a, b) => b.lastMs - a.lastMs);
    return { lines: [...this.lines], errors: errors.map((kind) => ({ ...kind })) };
  }

  private keep(line: Line): void {
    this.lines.push(line);
    this.characters += line.message.length;
    while (this.lines.length > LINES_MAX || this.characters > CHARACTERS_MAX)
      this.characters -= this.lines.shift()!.message.length;
  }

  private count(timeMs: number, level: string, message: string, fields: LogFields | undefined): void {
    const code = typeof fields?.["code"] === "string" ? fields["code"] : level;
    const key = `${code} ${folded(message)}`;
    const known = this.kinds.get(key);
    if (known) {
      known.count++;
      known.lastMs = timeMs;
      // The newest wording: its numbers are the ones that hold now.
      known.message = message;
      return;
    }
    // Beyond so many kinds the one not seen for longest makes room.
    if (this.kinds.size >= KINDS_MAX) {
      const [oldest] = [...this.kinds].reduce((a, b) => (b[1].lastMs < a[1].lastMs ? b : a));
      this.kinds.delete(oldest);
    }
    this.kinds.set(key, { code, message, count: 1, firstMs: timeMs, lastMs: timeMs });
  }
}

/** A message without what differs from one time to the next: paths, addresses, numbers. */
export function folded(message: string): string {
  return message
    .replace(/(?:[a-z]+:\/\/|[A-Za-z]:\\|\.{0,2}\/)[^\s"'`,;)]+/g, "<path>")
    .replace(/\b0x[0-9a-f]+\b|\b[0-9a-f]{8,}\b/gi, "<n>")
    .replace(/[+-]?\d+(?:[.,:]\d+)*/g, "<n>");
}
