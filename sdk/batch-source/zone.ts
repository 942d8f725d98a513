import { AgentError } from "../errors.ts";

const DAY_MS = 86_400_000;
/** Clocks change at multiples of this everywhere. */
const BUCKET_MS = 900_000;
const CACHED_MAX = 4096;
/** Nearly as far as dates go, on both sides of 1970. */
const DATES_MS = 8.63e15;

/** The wall clock of a place: an IANA name, or the machine's where none is given. */
export class Zone {
  private readonly format: Intl.DateTimeFormat;
  private readonly fixedMs: number | null;
  private readonly offsets = new Map<number, number>();
  private readonly walls = new Map<number, number>();

  /** Throws `batch_config_invalid`. */
  constructor(name: string) {
    this.fixedMs = /^(utc|z|gmt|etc\/utc)$/i.test(name) ? 0 : null;
    try {
      this.format = new Intl.DateTimeFormat("en-US", {
        ...(name !== "" && { timeZone: name }),
        calendar: "iso8601",
        numberingSystem: "latn",
        hourCycle: "h23",
        year: "numeric",
        month: "numeric",
        day: "numeric",
        hour: "numeric",
        minute: "numeric",
        second: "numeric",
      });
    } catch (error) {
      throw new AgentError(
        "batch_config_invalid",
        `there is no time zone ${JSON.stringify(name)}: expected a name such as Europe/Berlin or UTC`,
        { cause: error },
      );
    }
  }

  /** How far the wall clock is ahead of UTC at an instant, in milliseconds. */
  offsetMs(utcMs: number): number {
    if (this.fixedMs !== null) return this.fixedMs;
    const bucket = Math.floor(utcMs / BUCKET_MS);
    const known = this.offsets.get(bucket);
    if (known !== undefined) return known;
    const at = bucket * BUCKET_MS;
    const part: Record<string, number> = {};
    for (const { type, value } of this.format.formatToParts(at)) part[type] = Number(value);
    const wallMs = Date.UTC(part["year"], part["month"] - 1, part["day"], part["hour"], part["minute"], part["second"]);
    return remember(this.offsets, bucket, wallMs - at);
  }

  /**
   * The instant at which the wall clock shows `wallMs` (as if it were UTC). Of a time that comes twice the first; one that the
   * clock jumps over is as much later as the clock jumps: 02:30 is 03:30. NaN of no time.
   */
  toUtc(wallMs: number): number {
    if (this.fixedMs !== null) return wallMs - this.fixedMs;
    if (!(Math.abs(wallMs) < DATES_MS)) return NaN;
    const bucket = Math.floor(wallMs / BUCKET_MS);
    const known = this.walls.get(bucket);
    if (known !== undefined) return wallMs - known;
    const before = this.offsetMs(wallMs - DAY_MS);
    const after = this.offsetMs(wallMs + DAY_MS);
    const larger = Math.max(before, after);
    // The larger offset is the earlier instant.
    const offset = this.offsetMs(wallMs - larger) === larger ? larger : this.offsetMs(wallMs - after) === after ? after : before;
    return wallMs - remember(this.walls, bucket, offset);
  }
}

function remember(cache: Map<number, number>, key: number, value: number): number {
  if (cache.size >= CACHED_MAX) cache.clear();
  cache.set(key, value);
  return value;
}
