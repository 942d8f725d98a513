import { readFileSync, renameSync, writeFileSync } from "node:fs";

/** Where the window was, in device-independent pixels. */
export interface WindowState {
  readonly x?: number;
  readonly y?: number;
  readonly width: number;
  readonly height: number;
  readonly maximized: boolean;
}

export interface Area {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

const INITIAL: WindowState = { width: 1280, height: 860, maximized: false };

/** One column of the page, and a header to take hold of. */
export const SIZE_MIN = { width: 360, height: 320 } as const;
const VISIBLE_MIN_PX = 100;

/** The kept state, or the initial one where there is none or it is not to be read: never a reason not to start. */
export function readWindowState(file: string): WindowState {
  try {
    const { x, y, width, height, maximized } = JSON.parse(readFileSync(file, "utf8")) as Record<string, unknown>;
    if (!isSize(width, SIZE_MIN.width) || !isSize(height, SIZE_MIN.height)) return INITIAL;
    const size = { width, height, maximized: maximized === true };
    return Number.isInteger(x) && Number.isInteger(y) ? { ...size, x: x as number, y: y as number } : size;
  } catch {
    return INITIAL;
  }
}

export function writeWindowState(file: string, state: WindowState): void {
  writeFileSync(`${file}.new`, JSON.stringify(state), { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

/** The state with its place forgotten when too little of it would be seen on the displays there are now. */
export function fitWindowState(state: WindowState, workAreas: readonly Area[]): WindowState {
  const { x, y, width, height, maximized } = state;
  if (x === undefined || y === undefined) return state;
  const seen = workAreas.some((area) => {
    const across = Math.min(x + width, area.x + area.width) - Math.max(x, area.x);
    // The title bar is what the window is moved by: its top must be inside.
    return across >= VISIBLE_MIN_PX && y >= area.y && y <= area.y + area.height - VISIBLE_MIN_PX;
  });
  return seen ? state : { width, height, maximized };
}

function isSize(value: unknown, atLeast: number): value is number {
  return Number.isInteger(value) && (value as number) >= atLeast && (value as number) <= 100_000;
}
