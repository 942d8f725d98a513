import type { AdviceView, Evidence, Labels, Recommendation, Severity } from "all-use-agent/sdk";
import { type Exhaustion, ExhaustionWatch, exprOf, type Window } from "./exhaustion.ts";
import { figures, sayBytes, sayDuration, sayWhen } from "./words.ts";

export interface DiskLimits {
  readonly attentionPercent: number;
  readonly criticalPercent: number;
  readonly roomyBytes: number;
}

const AVAILABLE = "node_filesystem_avail_bytes";
const SIZE = "node_filesystem_size_bytes";

/** A window may look about twenty times its own length ahead; the shortest less, as a copy that is under way ends again. */
const WINDOWS: readonly Window[] = [
  { spanMs: 20_000, stepMs: 1000, everyMs: 0, horizonS: 150, fitMin: 0.93 },
  { spanMs: 30_000, stepMs: 1000, everyMs: 0, horizonS: 300, fitMin: 0.9 },
  { spanMs: 300_000, stepMs: 5000, everyMs: 15_000, horizonS: 7200, fitMin: 0.85 },
  { spanMs: 3_600_000, stepMs: 30_000, everyMs: 60_000, horizonS: 86_400, fitMin: 0.8 },
  { spanMs: 86_400_000, stepMs: 600_000, everyMs: 600_000, horizonS: 7 * 86_400, fitMin: 0.7 },
];
/** A fall of less than this share of the disk is ordinary traffic. */
const LEAST_SHARE = 0.005;
const LEAST_BYTES = 1_000_000;
const CRITICAL_WITHIN_S = 600;
/** A disk that was reported as full stays so until this many percent below the limit. */
const HYSTERESIS_PERCENT = 2;

interface Disk {
  readonly mountpoint: string;
  readonly labels: Labels;
  readonly available: number;
  readonly size: number;
}

/** Full disks, and those that will be. */
export class Disks {
  private readonly watch = new ExhaustionWatch(AVAILABLE, WINDOWS);
  private readonly full = new Set<string>();
  /** Calls in a row that saw this disk filling. */
  private readonly seen = new Map<string, number>();
  private readonly limits: DiskLimits;

  constructor(limits: DiskLimits) {
    this.limits = limits;
  }

  async advise(view: AdviceView): Promise<Recommendation[]> {
    const disks = await this.list(view);
    const byKey = new Map(disks.map((disk) => [diskKey(disk.labels), disk]));
    const filling = await this.watch.look(
      view,
      (labels) => (byKey.has(diskKey(labels)) ? diskKey(labels) : null),
      (key) => Math.max(LEAST_BYTES, LEAST_SHARE * (byKey.get(key)?.size ?? 0)),
    );
    const advice: Recommendation[] = [];
    for (const [key, disk] of byKey) {
      const exhaustion = filling.get(key);
      const calls = exhaustion ? (this.seen.get(key) ?? 0) + 1 : 0;
      this.seen.set(key, calls);
      const given = this.judge(view, disk, calls >= 2 ? exhaustion : undefined);
      if (given) advice.push(given);
    }
    for (const key of this.seen.keys()) if (!byKey.has(key)) this.seen.delete(key);
    for (const mountpoint of this.full) if (!disks.some((disk) => disk.mountpoint === mountpoint)) this.full.delete(mountpoint);
    return advice;
  }

  /** Writable disks; of several mounts of one device the one with the shortest path. */
  private async list(view: AdviceView): Promise<Disk[]> {
    const [available, sizes, readonly] = await Promise.all([
      view.query(AVAILABLE),
      view.query(SIZE),
      view.query("node_filesystem_readonly == 1"),
    ]);
    const sizeOf = new Map(sizes.map((row) => [diskKey(row.labels), row.value]));
    const skipped = new Set(readonly.map((row) => diskKey(row.labels)));
    const chosen = new Map<string, Disk>();
    for (const row of available) {
      const key = diskKey(row.labels);
      const size = sizeOf.get(key) ?? 0;
      if (!(size > 0) || skipped.has(key) || row.labels["mountpoint"] === undefined) continue;
      const disk = { mountpoint: row.labels["mountpoint"], labels: row.labels, available: row.value, size };
      const device = row.labels["device"] ?? "";
      const same = device.startsWith("/") ? device : key;
      const other = chosen.get(same);
      if (!other || disk.mountpoint.length < other.mountpoint.length) chosen.set(same, disk);
    }
    return [...chosen.values()];
  }

  private judge(view: AdviceView, disk: Disk, exhaustion: Exhaustion | undefined): Recommendation | null {
    const used = 100 * (1 - disk.available / disk.size);
    const { attentionPercent, criticalPercent, roomyBytes } = this.limits;
    const limit = this.full.has(disk.mountpoint) ? attentionPercent - HYSTERESIS_PERCENT : attentionPercent;
    const isFull = used >= limit && disk.available < roomyBytes;
    if (isFull) this.full.add(disk.mountpoint);
    else this.full.delete(disk.mountpoint);
    if (!isFull && !exhaustion) return null;

    const soon = exhaustion && disk.available > 0;
    const severity: Severity =
      (isFull && used >= criticalPercent) || (soon && exhaustion.inS <= CRITICAL_WITHIN_S) ? "critical" : "attention";
    const when = soon ? sayWhen(view.nowMs, exhaustion.inS) : "";
    const state = `Disk ${disk.mountpoint} is ${figures(used)} % full`;
    const title = isFull ? (soon ? `${state} and will be full ${when}` : state) : `Disk ${disk.mountpoint} will be full ${when}`;
    const room = `${sayBytes(disk.available)} of ${sayBytes(disk.size)} are available`;
    const reason = soon
      ? `${room}, and they have been shrinking by ${sayBytes(-exhaustion.fall.slopePerSecond)} a second over the last ${sayDuration(
          exhaustion.window.spanMs / 1000,
        )}; at that rate they last ${sayDuration(exhaustion.inS)}${interval(exhaustion)}.`
      : `${room}. What cannot be written is lost or stops the program that writes it.`;
    return {
      key: `disk:${disk.mountpoint}:space`,
      severity,
      title,
      reason,
      action: {
        kind: "free_disk_space",
        text: soon
          ? `Find what writes to ${disk.mountpoint} and stop it, or free space there.`
          : `Free space on ${disk.mountpoint}: to be below ${attentionPercent - 10} % again, ${sayBytes(toFree(disk, attentionPercent - 10))} must go.`,
      },
      confidence: soon ? Math.max(isFull ? 0.95 : 0, exhaustion.confidence) : 0.99,
      ...(soon && { effect: effect(disk, exhaustion) }),
      evidence: evidence(view, disk, used, exhaustion),
      expiresMs: view.nowMs + 30_000,
    };
  }
}

function diskKey(labels: Labels): string {
  return `${labels["device"] ?? ""} ${labels["mountpoint"] ?? ""} ${labels["fstype"] ?? ""}`;
}

function toFree(disk: Disk, percent: number): number {
  return Math.max(0, disk.size * (1 - percent / 100) - disk.available);
}

function interval(exhaustion: Exhaustion): string {
  if (!Number.isFinite(exhaustion.latestS)) return `, at least ${sayDuration(exhaustion.earliestS)}`;
  const [from, to] = [sayDuration(exhaustion.earliestS), sayDuration(exhaustion.latestS)];
  return from === to ? "" : ` (${Math.round(exhaustion.level * 100)} %: ${from} to ${to})`;
}

/** Freeing a tenth of the disk buys a tenth of the disk divided by the rate. */
function effect(disk: Disk, { fall }: Exhaustion): NonNullable<Recommendation["effect"]> {
  const tenth = 0.1 * disk.size;
  const rate = -fall.slopePerSecond;
  const error = Math.min(2 * fall.slopeError, 0.9 * rate);
  return {
    what: `time won by freeing ${sayBytes(tenth)} while the rate stays`,
    unit: "seconds",
    low: tenth / (rate + error),
    expected: tenth / rate,
    high: tenth / (rate - error),
  };
}

function evidence(view: AdviceView, disk: Disk, used: number, exhaustion: Exhaustion | undefined): Evidence[] {
  const spanMs = exhaustion?.window.spanMs ?? 3_600_000;
  return [
    {
      expr: exprOf(AVAILABLE, disk.labels),
      fromMs: view.nowMs - spanMs,
      toMs: view.nowMs,
      method: exhaustion ? `${exhaustion.method} over ${sayDuration(spanMs / 1000)}` : "newest sample",
      numbers: {
        available_bytes: disk.available,
        size_bytes: disk.size,
        used_percent: used,
        ...(exhaustion && {
          slope_bytes_per_second: exhaustion.fall.slopePerSecond,
          fit_ratio: exhaustion.fall.fit,
          window_seconds: spanMs / 1000,
          samples_count: exhaustion.fall.samples,
          time_to_full_seconds: exhaustion.inS,
          earliest_seconds: exhaustion.earliestS,
          ...(Number.isFinite(exhaustion.latestS) && { latest_seconds: exhaustion.latestS }),
        }),
      },
    },
    {
      expr: exprOf(SIZE, disk.labels),
      fromMs: view.nowMs - spanMs,
      toMs: view.nowMs,
      method: "newest sample",
      numbers: { size_bytes: disk.size },
    },
  ];
}
