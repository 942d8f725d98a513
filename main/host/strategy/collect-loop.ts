import { AgentError, type Collector, type CollectReport, type Disposable, errorText } from "all-use-agent/sdk";
import { halfPace } from "../budget.ts";
import { errorCode } from "../error-code.ts";
import { tickOf, type TimeSource } from "../time.ts";
import { CircuitRule } from "./circuit-rule.ts";
import { type Mode, modeOf, type ModeParts } from "./mode.ts";
import { networkVerdict, OFFLINE_PROBE_MS, OfflineRule } from "./offline-rule.ts";
import { Reading } from "./reading.ts";
import { RetryRule } from "./retry-rule.ts";
import { staggerMs } from "./stagger.ts";
import type { Pace, Strategy } from "./strategy.ts";
import { Ticker } from "./ticker.ts";
import { oneIn, YieldRule } from "./yield-rule.ts";

/** A reading may always take this long, however short the interval. */
const DEADLINE_MIN_MS = 1000;
/** And this long where there is no interval. */
const DEADLINE_ASKED_MS = 10_000;

/** The instance whose collector is read. */
export interface CollectOwner {
  readonly time: TimeSource;
  /** Asks for the first reading now, not at the next multiple. */
  readonly atOnce?: boolean;
  /** Runs the reading in the plugin's name. */
  call<T>(task: () => T): T;
  /** A reading that was due was left out. */
  skipped(): void;
  /** Every other tick is left out. */
  slowed?(): boolean;
  collected(): void;
  collectFailed(error: unknown): void;
  /** It is kept from its work and degraded for it, until `released` with the same code. */
  held(code: string, reason: string): void;
  released(code: string): void;
}

export interface CollectParts extends Pick<ModeParts, "id" | "instance" | "emissions" | "services" | "surroundings" | "rights"> {
  readonly strategy: Strategy;
  readonly random: () => number;
}

type Ended = (report: Pick<CollectReport, "error">) => void;

/**
 * Reads one collector as its strategy says: at ticks, upon events, while a condition holds or when asked; never twice at a time. Ticks
 * are left out, and counted, while a reading runs, while the agent is under load, after failures and without a network.
 */
export class CollectLoop implements Disposable {
  private readonly collect: NonNullable<Collector["collect"]>;
  private readonly owner: CollectOwner;
  private readonly parts: CollectParts;
  private readonly offsetMs: number;
  private readonly ticker: Ticker;
  private readonly mode: Mode;
  private readonly yielding: YieldRule;
  private readonly circuit: CircuitRule;
  private readonly offline: OfflineRule | null;
  private readonly leaveOutHalf: () => boolean;
  private readonly subscriptions: Disposable[];
  /** Code → reason of all that keeps it from its work. */
  private readonly held = new Map<string, string>();
  private network: Disposable | null = null;
  private lastMs: number;
  private reading: Reading | null = null;
  private endedWaiting: Ended[] = [];
  private idleWaiting: (() => void)[] = [];
  private disposed = false;
  /** Until `begin` has set its pace, what a mode says early is not acted upon. */
  private begun = false;

  /** `servedMs`: when the loop that this one takes over from had its last tick; what was due since is read at once. */
  constructor(
    collect: NonNullable<Collector["collect"]>,
    parts: CollectParts,
    owner: CollectOwner,
    servedMs: number | null = null,
  ) {
    const { strategy, surroundings } = parts;
    this.collect = collect;
    this.parts = parts;
    this.owner = owner;
    const key = `${surroundings.seed} ${parts.id} ${parts.instance}`;
    this.offsetMs = strategy.phaseMs + staggerMs(key, strategy.jitterMs);
    this.lastMs = owner.time.now();
    this.ticker = new Ticker(owner.time, this.offsetMs, () => this.tick());
    this.yielding = new YieldRule(strategy.priority);
    this.circuit = new CircuitRule(strategy.circuit);
    this.offline = strategy.network === "none" ? null : new OfflineRule(strategy.network === "required");
    this.leaveOutHalf = halfPace(() => owner.slowed?.() ?? false);
    this.mode = modeOf(strategy, {
      ...parts,
      time: owner.time,
      repace: () => this.repace(),
      ask: () => this.ask(),
      trouble: (code, reason) => this.hold(code, reason),
      well: (code) => this.release(code),
    });
    this.subscriptions = [
      parts.services.on("gap", () => void this.ticker.lookAgain()),
      surroundings.onLoad(() => this.loadChanged()),
    ];
    this.begin(servedMs);
  }

  /** When its last tick was, Unix ms, or it began: ticks until then are served. */
  get servedMs(): number {
    return this.lastMs;
  }

  /** Resolves when no reading is under way. */
  idle(): Promise<void> {
    if (this.reading === null) return Promise.resolve();
    return new Promise((resolve) => this.idleWaiting.push(resolve));
  }

  /** Reads now, whatever keeps it from reading by itself, or waits for the reading under way; and tells what came of it. */
  collectNow(): Promise<CollectReport> {
    const { owner, parts } = this;
    const startMs = owner.time.monotonic();
    const samples = parts.emissions.samples;
    return new Promise((resolve, reject) => {
      if (this.disposed) return reject(new AgentError("stopped", `${parts.id} is stopped`));
      this.endedWaiting.push(({ error }) =>
        resolve({ samples: parts.emissions.samples - samples, ms: owner.time.monotonic() - startMs, error }),
      );
      if (this.reading === null) void this.read();
    });
  }

  /** How often it is read now and why, all things considered. */
  pace(): Pace {
    const { strategy, surroundings } = this.parts;
    const { level, reason: load } = surroundings.load;
    const share = oneIn(strategy.priority, level);
    if (this.offline?.away) return { intervalMs: OFFLINE_PROBE_MS, reason: "the network is away: it is only tried" };
    if (share === 0) return { intervalMs: null, reason: `it yields, being of priority ${strategy.priority}: ${load ?? "load"}` };
    const { intervalMs, reason } = this.mode.pace();
    const reasons = [reason];
    if (this.circuit.failing) reasons.push(`slower after ${this.circuit.reason}`);
    if (share > 1) reasons.push(`one tick in ${share} at load level ${level}`);
    if (this.owner.slowed?.()) reasons.push("half its pace, over its budget");
    const factor = share * (this.owner.slowed?.() ? 2 : 1);
    return {
      intervalMs: intervalMs === null ? null : Math.max(this.circuit.slowedMs(intervalMs), factor * intervalMs),
      reason: reasons.join("; "),
    };
  }

  /** Nothing more is begun; what is under way may end. */
  dispose(): void {
    this.disposed = true;
    this.ticker.dispose();
    void this.mode.dispose();
    void this.network?.dispose();
    for (const subscription of this.subscriptions) void subscription.dispose();
    this.reading?.dispose();
  }

  private begin(servedMs: number | null): void {
    const { intervalMs } = this.mode.pace();
    this.begun = true;
    this.ticker.set(intervalMs);
    this.loadChanged();
    if (intervalMs === null) return;
    const tick = (ms: number): number => tickOf(ms, intervalMs, this.offsetMs);
    const due = servedMs === null ? this.owner.atOnce === true : tick(this.lastMs) > tick(servedMs);
    if (due) void this.tick();
  }

  private repace(): void {
    if (this.begun && !this.disposed) this.ticker.set(this.mode.pace().intervalMs);
  }

  /** Upon an event or a condition. False: a reading is under way. */
  private ask(): boolean {
    if (this.disposed || !this.begun) return true;
    if (this.reading !== null) return false;
    void this.tick();
    return true;
  }

  private tick(): void | Promise<void> {
    const { owner, parts, offline } = this;
    if (this.disposed) return;
    if (this.reading !== null) return owner.skipped();
    this.lastMs = owner.time.now();
    const nowMs = owner.time.monotonic();
    const left =
      this.leaveOutHalf() ||
      this.yielding.leaveOut(parts.surroundings.load.level) ||
      (offline?.leaveOut(nowMs, parts.surroundings.networkUp()) ?? false) ||
      (!offline?.away && this.circuit.leaveOut(nowMs));
    this.networkChanged("this machine has no network");
    if (!left) return this.read();
    // Its pace may have to do with more than its readings.
    this.repace();
    return owner.skipped();
  }

  private read(): void | Promise<void> {
    const { owner, parts, mode } = this;
    const { strategy } = parts;
    const { intervalMs } = mode.pace();
    const reading = new Reading({
      time: owner.time,
      collect: this.collect,
      call: (task) => owner.call(task),
      deadlineMs: strategy.deadlineMs ?? Math.max(DEADLINE_MIN_MS, usualMs(strategy)),
      leftMs: intervalMs ?? DEADLINE_ASKED_MS,
      retry: new RetryRule(strategy.retry),
      random: parts.random,
      ended: (error) => this.ended(error),
      over: () => this.over(),
    });
    this.reading = reading;
    return reading.try();
  }

  private ended(error: unknown): void {
    const { owner, offline, circuit, parts } = this;
    if (this.disposed && error instanceof AgentError && error.code === "stopped") return this.answer(error);
    this.mode.read?.(error === null);
    if (error === null) {
      circuit.succeeded();
      offline?.reached();
      this.networkChanged("");
      owner.collected();
    } else {
      const nowMs = owner.time.monotonic();
      offline?.failed(nowMs, networkVerdict(error), parts.surroundings.networkUp());
      // That the network is away is said once; what comes of trying is no news.
      if (!offline?.away) {
        circuit.failed(nowMs);
        owner.collectFailed(error);
      }
      this.networkChanged(errorText(error));
    }
    this.repace();
    this.answer(error);
  }

  private answer(error: unknown): void {
    const report = error === null ? null : { code: errorCode(error, "collect_failed"), message: errorText(error) };
    for (const waiting of this.endedWaiting.splice(0)) waiting({ error: report });
  }

  private over(): void {
    this.reading = null;
    for (const waiting of this.idleWaiting.splice(0)) waiting();
  }

  /** Whether the network is away may be otherwise than before. */
  private networkChanged(why: string): void {
    const { offline, parts } = this;
    if (!offline || this.disposed || offline.away === (this.network !== null)) return;
    if (offline.away) {
      const every = `it is tried every ${OFFLINE_PROBE_MS / 1000} s and as soon as the network is another`;
      this.hold("offline", `the network is away (${why.replace(/\.$/, "")}): ${every}`);
      this.network = parts.surroundings.onNetwork(() => {
        if (!parts.surroundings.networkUp()) return;
        offline.changed();
        this.ask();
      });
      return;
    }
    void this.network?.dispose();
    this.network = null;
    this.release("offline");
  }

  private loadChanged(): void {
    const { strategy, surroundings } = this.parts;
    const { level, reason } = surroundings.load;
    if (oneIn(strategy.priority, level) > 0) return this.release("yielding");
    const why = `the agent is under load (${reason ?? "too much"})`;
    this.hold("yielding", `it is not read while ${why}, being of priority ${strategy.priority}; it goes on by itself`);
  }

  private hold(code: string, reason: string): void {
    if (this.held.get(code) === reason) return;
    this.held.set(code, reason);
    this.owner.held(code, reason);
  }

  private release(code: string): void {
    if (this.held.delete(code)) this.owner.released(code);
  }
}

/** How long a reading may be expected to take at most: until the next one at its fastest. */
function usualMs(strategy: Strategy): number {
  if (strategy.mode === "adaptive") return strategy.minMs;
  if (strategy.mode === "periodic" || strategy.mode === "threshold") return strategy.intervalMs;
  return Math.max(DEADLINE_ASKED_MS, strategy.intervalMs);
}
