import { closeSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";

/** Ids and instance names are shorter. */
const RECORD_BYTES = 192;

/**
 * Leaves a trail of whose code runs inside the agent, for the case that it never returns: two writes of a few microseconds a
 * call, into memory of the system, which outlives the process. Kept only while a start is on trial, and only of plugins that
 * were added and trusted.
 */
export class CallTrail {
  private fd: number | null;
  private readonly path: string;
  private readonly running: string[] = [];
  private readonly records = new Map<string, Buffer>();

  constructor(path: string) {
    this.path = path;
    this.fd = openSync(path, "w", 0o600);
  }

  enter(id: string): void {
    if (this.fd === null) return;
    this.running.push(id);
    this.write(id);
  }

  leave(): void {
    if (this.fd === null) return;
    this.running.pop();
    this.write(this.running.at(-1) ?? "");
  }

  /** The start is good, or over. */
  close(): void {
    if (this.fd === null) return;
    closeSync(this.fd);
    this.fd = null;
    rmSync(this.path, { force: true });
  }

  private write(id: string): void {
    let record = this.records.get(id);
    if (record === undefined) {
      record = Buffer.alloc(RECORD_BYTES, " ");
      record.write(id);
      this.records.set(id, record);
    }
    try {
      writeSync(this.fd!, record, 0, RECORD_BYTES, 0);
    } catch {
      // A full disk: then the trail ends here, and the plugin goes on.
    }
  }
}

/** Whose code was running when the process ended, or null. Takes the trail away. */
export function takeTrail(path: string): string | null {
  try {
    const id = readFileSync(path, "utf8").trim();
    rmSync(path, { force: true });
    return id === "" ? null : id;
  } catch {
    return null;
  }
}
