import { AgentError, errorText, type MetricInfo, type SeriesId, type SeriesInfo } from "all-use-agent/sdk";
import type { Families } from "./families.ts";
import { type Identity, identityOf, type LabelLimits } from "./identity.ts";

/** No number: samples of this series are refused. */
export const REFUSED = -1;
/** The slot of a series whose labels are too long to be kept. */
export const TOO_LONG = -1;
/** Known, and asked the agent for at its first sample: a native histogram's own name never has one. */
const UNASKED = -2;

export interface SeriesLimits extends LabelLimits {
  readonly maxSeries: number;
}

/** What of the plugin's context is needed. */
export interface Registrar {
  register(identity: Identity, info: MetricInfo): SeriesId;
  info(id: SeriesId): SeriesInfo;
}

/** Which number of the agent each slot's series has, and why some are refused. */
export class SeriesBook {
  private ids = new Int32Array(1024);
  private count = 0;
  private readonly waiting = new Map<number, { readonly identity: Identity; readonly info: MetricInfo }>();
  private readonly refusals = new Map<number, string>();
  private readonly registered = new Set<SeriesId>();
  private readonly limits: SeriesLimits;
  private readonly registrar: Registrar;

  constructor(limits: SeriesLimits, registrar: Registrar) {
    this.limits = limits;
    this.registrar = registrar;
  }

  /** Takes up the series of the next slot, or remembers why it cannot be. `texts`: label names and values by turns. */
  learn(slot: number, texts: readonly string[], infoOf: (name: string) => MetricInfo): void {
    try {
      const identity = identityOf(texts, this.limits);
      this.set(slot, UNASKED);
      this.waiting.set(slot, { identity, info: infoOf(identity.name) });
    } catch (error) {
      this.refuse(slot, errorText(error));
    }
  }

  /** A slot that can be no series. */
  refuse(slot: number, reason: string): void {
    this.set(slot, REFUSED);
    this.refusals.set(slot, reason);
  }

  private set(slot: number, id: number): void {
    this.count = Math.max(this.count, slot + 1);
    if (slot >= this.ids.length) {
      const grown = new Int32Array(this.ids.length * 2);
      grown.set(this.ids);
      this.ids = grown;
    }
    this.ids[slot] = id;
  }

  /** The number under which samples of a slot's series go, or REFUSED. */
  id(slot: number): number {
    if (slot === TOO_LONG) return REFUSED;
    const id = this.ids[slot];
    return id === UNASKED ? this.ask(slot) : id;
  }

  private ask(slot: number): number {
    const { identity, info } = this.waiting.get(slot)!;
    try {
      this.ids[slot] = this.register(identity, info);
    } catch (error) {
      this.refuse(slot, errorText(error));
    }
    this.waiting.delete(slot);
    return this.ids[slot];
  }

  /** The number of a series that may be new. Throws `series_limit` and what the agent says. */
  register(identity: Identity, info: MetricInfo): SeriesId {
    const { maxSeries } = this.limits;
    if (this.registered.size >= maxSeries) {
      throw new AgentError(
        "series_limit",
        `${identity.name} would be one series more than the ${maxSeries} that may be written (max_series)`,
      );
    }
    const id = this.registrar.register(identity, info);
    this.registered.add(id);
    return id;
  }

  /** Who a slot is, or null when it is refused. */
  identity(slot: number): Identity | null {
    const id = slot === TOO_LONG ? REFUSED : this.ids[slot];
    if (id === REFUSED) return null;
    return id === UNASKED ? this.waiting.get(slot)!.identity : this.registrar.info(id);
  }

  reason(slot: number): string {
    return this.refusals.get(slot) ?? "its labels are too long";
  }

  /** Tells the agent what has been said of metrics since it was asked for their series. */
  describe(families: Families): void {
    for (let slot = 0; slot < this.count; slot++) {
      if (this.ids[slot] < 0) continue;
      const info = this.registrar.info(this.ids[slot]);
      if (info.help === "") this.registrar.register(info, families.of(info.name));
    }
  }

  /** Slots mean nothing any more. */
  clear(): void {
    this.count = 0;
    this.waiting.clear();
    this.refusals.clear();
    this.registered.clear();
  }
}
