/** How a quantity went down over a window: a straight line by least squares, per second. */
export interface Fall {
  /** Negative. */
  readonly slopePerSecond: number;
  /** Share of the variation that the line explains, 0..1. */
  readonly fit: number;
  /** First minus last of the line. */
  readonly drop: number;
  readonly samples: number;
  readonly fromMs: number;
  readonly toMs: number;
  /** The standard error of the slope. */
  readonly slopeError: number;
}

/** A fall must come in at least this many steps: one file that was written is an event, not a trend. */
const STEPS_MIN = 4;
/** Share of the changes that must go down. */
const DOWN_SHARE = 0.75;
const SAMPLES_MIN = 6;
/** Each third must fall at this share of the whole's speed: what began lately is for a shorter window, what has stopped is no danger. */
const STEADY_SHARE = 0.4;

function line(
  times: Float64Array,
  values: Float64Array,
  from: number,
  to: number,
): { slope: number; fit: number; error: number } {
  const n = to - from;
  let mt = 0;
  let mv = 0;
  for (let i = from; i < to; i++) {
    mt += (times[i] - times[from]) / 1000 / n;
    mv += (values[i] - values[from]) / n;
  }
  let tt = 0;
  let tv = 0;
  let vv = 0;
  for (let i = from; i < to; i++) {
    const t = (times[i] - times[from]) / 1000 - mt;
    const v = values[i] - values[from] - mv;
    tt += t * t;
    tv += t * v;
    vv += v * v;
  }
  if (!(tt > 0) || !(vv > 0)) return { slope: 0, fit: 0, error: 0 };
  const slope = tv / tt;
  const rest = Math.max(0, vv - slope * tv);
  return { slope, fit: 1 - rest / vv, error: Math.sqrt(rest / Math.max(1, n - 2) / tt) };
}

/** The steady fall of a quantity over the window, or null where there is none. `fitMin` is the least share explained. */
export function steadyFall(times: Float64Array, values: Float64Array, fitMin: number): Fall | null {
  const n = values.length;
  if (n < SAMPLES_MIN) return null;
  let down = 0;
  let up = 0;
  for (let i = 1; i < n; i++) {
    if (values[i] < values[i - 1]) down++;
    else if (values[i] > values[i - 1]) up++;
  }
  if (down < STEPS_MIN || down < DOWN_SHARE * (down + up)) return null;
  const whole = line(times, values, 0, n);
  if (!(whole.slope < 0) || whole.fit < fitMin) return null;
  const third = Math.floor(n / 3);
  for (const from of [0, third, n - third]) {
    if (line(times, values, from, from + third).slope > STEADY_SHARE * whole.slope) return null;
  }
  return {
    slopePerSecond: whole.slope,
    fit: whole.fit,
    drop: (-whole.slope * (times[n - 1] - times[0])) / 1000,
    samples: n,
    fromMs: times[0],
    toMs: times[n - 1],
    slopeError: whole.error,
  };
}
