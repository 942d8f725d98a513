import { compileExpression, compileSelector, type Expression, type SeriesId, type SeriesInfo } from "all-use-agent/sdk";
import { WaitingRing } from "./waiting-ring.ts";

export interface JoinConfig {
  readonly name: string;
  readonly help: string;
  readonly unit?: string;
  readonly left: string;
  readonly right: string;
  readonly on: readonly string[];
  readonly expression: string;
  readonly tolerance_ms: number;
  readonly wait_ms: number;
}

/** Pairs beyond so many are not joined: some 1.6 kB each. */
const KEYS_MAX = 10_000;

interface Left {
  readonly target: SeriesId;
  readonly waiting: WaitingRing;
}

/** What belongs together by its labels: one series of the right, any of the left. */
interface Pair {
  readonly right: WaitingRing;
  readonly lefts: Left[];
}

/** What a series' samples are handed to. */
export type Side = (timestampMs: number, value: number, arrivalMs: number) => void;

export interface JoinOutput {
  /** The series of a result that has the labels of `left`. */
  target(config: JoinConfig, left: SeriesInfo): SeriesId;
  emit(target: SeriesId, timestampMs: number, value: number): void;
}

/** One join: samples of the left wait for the one of the right nearest in time, those of the right for any of the left. */
export class StreamJoin {
  joined = 0;
  unmatchedLeft = 0;
  unmatchedRight = 0;
  readonly config: JoinConfig;
  private readonly output: JoinOutput;
  private readonly isLeft: (info: SeriesInfo) => boolean;
  private readonly isRight: (info: SeriesInfo) => boolean;
  private readonly compute: Expression;
  private readonly operands = new Float64Array(2);
  private readonly pairs = new Map<string, Pair>();

  /** Throws `selector_invalid`, `expression_invalid`. */
  constructor(config: JoinConfig, output: JoinOutput) {
    this.config = config;
    this.output = output;
    this.isLeft = compileSelector(config.left);
    this.isRight = compileSelector(config.right);
    this.compute = compileExpression(config.expression, ["a", "b"]);
  }

  /** What to do with a series' samples: on either side, on both, or on none. */
  sidesOf(info: SeriesInfo): Side[] {
    // What it makes itself would go round in a circle.
    if (info.name === this.config.name) return [];
    const sides: Side[] = [];
    if (this.isLeft(info)) this.addLeft(info, sides);
    if (this.isRight(info)) this.addRight(info, sides);
    return sides;
  }

  /** What came so long ago that it does not wait any more leaves. */
  expire(nowMs: number): void {
    const before = nowMs - this.config.wait_ms;
    for (const { right, lefts } of this.pairs.values()) {
      this.unmatchedRight += right.expire(before);
      for (const { waiting } of lefts) this.unmatchedLeft += waiting.expire(before);
    }
  }

  private addLeft(info: SeriesInfo, sides: Side[]): void {
    const pair = this.pairOf(info);
    if (!pair) return;
    const { tolerance_ms: toleranceMs, wait_ms: waitMs } = this.config;
    const left = { target: this.output.target(this.config, info), waiting: new WaitingRing() };
    pair.lefts.push(left);
    sides.push((timestampMs, value, arrivalMs) => {
      this.unmatchedLeft += left.waiting.expire(arrivalMs - waitMs);
      const at = pair.right.nearest(timestampMs, toleranceMs);
      if (at >= 0) this.result(left, timestampMs, value, pair.right.take(at));
      else this.unmatchedLeft += left.waiting.add(timestampMs, value, arrivalMs, false);
    });
  }

  private addRight(info: SeriesInfo, sides: Side[]): void {
    const pair = this.pairOf(info);
    if (!pair) return;
    const { tolerance_ms: toleranceMs, wait_ms: waitMs } = this.config;
    sides.push((timestampMs, value, arrivalMs) => {
      this.unmatchedRight += pair.right.expire(arrivalMs - waitMs);
      let found = 0;
      for (const left of pair.lefts)
        found += left.waiting.join(timestampMs, toleranceMs, (leftMs, leftValue) => this.result(left, leftMs, leftValue, value));
      this.unmatchedRight += pair.right.add(timestampMs, value, arrivalMs, found > 0);
    });
  }

  private result(left: Left, timestampMs: number, a: number, b: number): void {
    this.joined++;
    this.operands[0] = a;
    this.operands[1] = b;
    const value = this.compute(this.operands);
    // 0 / 0 is no value of anything.
    if (Number.isFinite(value)) this.output.emit(left.target, timestampMs, value);
  }

  private pairOf({ labels }: SeriesInfo): Pair | null {
    const key = JSON.stringify(this.config.on.map((name) => labels[name] ?? ""));
    let pair = this.pairs.get(key);
    if (!pair && this.pairs.size < KEYS_MAX) this.pairs.set(key, (pair = { right: new WaitingRing(), lefts: [] }));
    return pair ?? null;
  }
}
