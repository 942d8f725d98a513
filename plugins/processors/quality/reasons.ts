/** Why a sample is dropped, by number; a number below 0 is no reason. */
export const REASONS = ["nan", "infinite", "duplicate", "out_of_order", "future", "range", "rate"] as const;
export const NAN = 0;
export const INFINITE = 1;
export const DUPLICATE = 2;
export const OUT_OF_ORDER = 3;
export const FUTURE = 4;
export const RANGE = 5;
export const RATE = 6;

/** What a sample that is kept is found to be at odds with. */
export const VIOLATIONS = ["negative_counter", "decreased_counter", "ratio", "state", "range", "rate"] as const;
export const NEGATIVE_COUNTER = 0;
export const DECREASED_COUNTER = 1;
export const RATIO = 2;
export const STATE = 3;
export const OUTSIDE_RANGE = 4;
export const TOO_FAST = 5;
