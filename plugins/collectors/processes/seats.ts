/** A challenger must be this much above the weakest who sits, so many rounds in a row. */
const ABOVE = 1.3;
const PATIENCE = 2;

export interface SeatRules {
  readonly seats: number;
  /** Who is below never sits down. */
  readonly floor: number;
  /** Who is above need not wait. */
  readonly urgent: number;
}

/**
 * A fixed number of seats for those with the highest scores. Who sits keeps the seat until somebody is clearly above for
 * a while, so that two of the same size do not take turns. Seats are numbered, not ranked.
 */
export class Seats<T> {
  readonly occupants: (T | null)[];
  private readonly rules: SeatRules;
  private readonly score: (one: T) => number;
  private readonly sitting = new Set<T>();
  private waiting = new Map<T, number>();
  private readonly best: T[] = [];
  private rounds = 0;

  constructor(rules: SeatRules, score: (one: T) => number) {
    this.rules = rules;
    this.score = score;
    this.occupants = Array.from<T | null>({ length: rules.seats }).fill(null);
  }

  has(one: T): boolean {
    return this.sitting.has(one);
  }

  leave(one: T): void {
    if (!this.sitting.delete(one)) return;
    this.occupants[this.occupants.indexOf(one)] = null;
  }

  /** Proposes one for this round. Keeps the best only, so that any number may be proposed. */
  propose(one: T): void {
    const { best, score } = this;
    const own = score(one);
    if (!(own >= this.rules.floor) || this.sitting.has(one)) return;
    let place = best.length;
    while (place > 0 && score(best[place - 1]) < own) place--;
    if (place >= this.rules.seats) return;
    best.splice(place, 0, one);
    if (best.length > this.rules.seats) best.pop();
  }

  /** Ends a round. `may` is asked before somebody sits down. */
  settle(may: (one: T) => boolean = () => true): void {
    const waiting = new Map<T, number>();
    for (const one of this.best) {
      const own = this.score(one);
      const waited = (this.waiting.get(one) ?? 0) + 1;
      const ready = waited >= PATIENCE || own >= this.rules.urgent || this.rounds === 0;
      const seat = this.seatFor(own);
      if (seat >= 0 && ready && may(one)) this.sit(one, seat);
      else if (seat >= 0) waiting.set(one, waited);
    }
    this.waiting = waiting;
    this.best.length = 0;
    this.rounds++;
  }

  /** A free seat, or that of the weakest if this score is clearly above; -1 when there is none. */
  private seatFor(score: number): number {
    let weakest = -1;
    let least = Infinity;
    for (let seat = 0; seat < this.occupants.length; seat++) {
      const occupant = this.occupants[seat];
      if (occupant === null) return seat;
      const own = this.score(occupant);
      if (own >= least) continue;
      least = own;
      weakest = seat;
    }
    return score > least * ABOVE + this.rules.floor ? weakest : -1;
  }

  private sit(one: T, seat: number): void {
    const before = this.occupants[seat];
    if (before !== null) this.sitting.delete(before);
    this.occupants[seat] = one;
    this.sitting.add(one);
  }
}
