import { type Line, robustLine } from "./line.ts";

/** What a candidate knows at an origin: enough to say any horizon (in points, fractions allowed) after it. */
export type Predictor = (horizon: number) => number;

export interface Candidate {
  readonly name: string;
  /** Points looked back upon, or the season's length; for the model card. */
  readonly window: number;
  /** Uses values[0..end) only. Null when they do not suffice. */
  at(values: Float64Array, end: number, cache: LineCache): Predictor | null;
}

/** Lines through the last `window` points before an origin are shared by several candidates. */
export class LineCache {
  private readonly lines = new Map<number, Line | null>();

  line(values: Float64Array, end: number, window: number): Line | null {
    let line = this.lines.get(window);
    if (line === undefined) {
      line = end >= window ? robustLine(values, end - window, end) : null;
      this.lines.set(window, line);
    }
    return line;
  }
}

function lastValue(values: Float64Array, end: number): number {
  for (let i = end - 1; i >= 0; i--) if (values[i] === values[i]) return values[i];
  return NaN;
}

const last: Candidate = {
  name: "last value",
  window: 1,
  at(values, end) {
    const value = lastValue(values, end);
    return () => value;
  },
};

function level(window: number): Candidate {
  return {
    name: "mean level",
    window,
    at(values, end) {
      if (end < window) return null;
      let sum = 0;
      let count = 0;
      for (let i = end - window; i < end; i++) {
        if (values[i] !== values[i]) continue;
        sum += values[i];
        count++;
      }
      if (count === 0) return null;
      const mean = sum / count;
      return () => mean;
    },
  };
}

/** From the newest value on with the slope of the window. */
function drift(window: number): Candidate {
  return {
    name: "drift",
    window,
    at(values, end, cache) {
      const line = cache.line(values, end, window);
      if (!line) return null;
      const value = lastValue(values, end);
      return (horizon) => value + line.slope * horizon;
    },
  };
}

/** Along the window's line: what is noisy is smoothed first. */
function trend(window: number): Candidate {
  return {
    name: "straight line",
    window,
    at(values, end, cache) {
      const line = cache.line(values, end, window);
      return line && ((horizon) => line.end + line.slope * horizon);
    },
  };
}

/** A slope that fades out over the length of the window (E. S. Gardner, "Exponential Smoothing", 1985, in continuous form). */
function damped(window: number): Candidate {
  return {
    name: "damped trend",
    window,
    at(values, end, cache) {
      const line = cache.line(values, end, window);
      return line && ((horizon) => line.end + line.slope * window * (1 - Math.exp(-horizon / window)));
    },
  };
}

/** The season before, moved by how much the last season's mean differs from it: weighted .6, .4 over two seasons. */
function seasonal(length: number): Candidate {
  return {
    name: "season before",
    window: length,
    at(values, end) {
      if (end < 2 * length) return null;
      const earlier = lastValue(values, end);
      return (horizon) => {
        const phase = (Math.max(1, Math.round(horizon)) - 1) % length;
        const newer = values[end - length + phase];
        const older = values[end - 2 * length + phase];
        if (newer !== newer) return older === older ? older : earlier;
        return older === older ? 0.6 * newer + 0.4 * older : newer;
      };
    },
  };
}

/** Simplest first: among equals the first is taken. */
export function candidatesFor(points: number, season: number): Candidate[] {
  const list: Candidate[] = [last];
  for (const window of [16, 64, 256]) if (points >= window + 8) list.push(level(window));
  const windows = [8, 16, 32, 64, 128, 256, 512].filter((window) => points >= window + 4);
  for (const window of windows) list.push(drift(window));
  for (const window of windows) list.push(trend(window), damped(window));
  if (season > 0) list.push(seasonal(season));
  return list;
}
