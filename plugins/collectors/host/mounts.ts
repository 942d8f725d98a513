import type { Facts } from "./group.ts";
import type { KeptFile } from "./reader.ts";

export interface Mount {
  readonly device: string;
  readonly mountpoint: string;
  readonly fstype: string;
  readonly readonly: boolean;
}

/** The mount table, parsed anew only when its bytes change. */
export class Mounts {
  private readonly file: KeptFile;
  private hash = 0;
  private length = -1;
  private list: readonly Mount[] = [];

  constructor(facts: Facts) {
    this.file = facts.reader.file(facts.proc("self/mounts"), "long");
  }

  /** What is mounted now; the same array as long as nothing changed. One entry for each device, type and place. */
  current(): readonly Mount[] {
    const scanner = this.file.read();
    const { bytes, end } = scanner;
    let hash = 0x811c9dc5;
    for (let i = 0; i < end; i++) hash = Math.imul(hash ^ bytes[i], 0x01000193);
    if (hash !== this.hash || end !== this.length) {
      this.list = parse(scanner.all());
      this.hash = hash;
      this.length = end;
    }
    return this.list;
  }

  close(): void {
    this.file.close();
  }
}

function parse(text: string): Mount[] {
  const mounts = new Map<string, Mount>();
  for (const line of text.split("\n")) {
    const [device, place, fstype, options] = line.split(" ");
    if (options === undefined) continue;
    const mountpoint = unescape(place);
    const readonly = options === "ro" || options.startsWith("ro,") || options.includes(",ro,") || options.endsWith(",ro");
    // What was mounted last at a place hides what was there before.
    mounts.set(`${device}\n${place}\n${fstype}`, { device: unescape(device), mountpoint, fstype, readonly });
  }
  return [...mounts.values()];
}

/** The kernel writes white space and backslashes as three octal digits. */
function unescape(text: string): string {
  return text.includes("\\")
    ? text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)))
    : text;
}
