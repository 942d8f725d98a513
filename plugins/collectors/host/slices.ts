import type { Group } from "./group.ts";

/** Into how many parts a group of many devices is cut, each with a turn of its own: a host of containers has hundreds. */
const SLICES = 10;

/** The devices of one part as they are now: the same device is in the same part, whatever others come and go. */
export type Slice = () => readonly string[];

/**
 * The same group for each part of its devices. They are listed anew when the first part has its turn, once in a round of all
 * turns, or by whichever part is asked before anything was listed.
 */
export function sliced(list: () => readonly string[], make: (slice: Slice) => Group): Group[] {
  let listed: string[][] | null = null;
  return Array.from({ length: SLICES }, (_, part) =>
    make(() => {
      if (part === 0 || listed === null) {
        listed = Array.from({ length: SLICES }, () => []);
        for (const device of list()) listed[hash(device) % SLICES].push(device);
      }
      return listed[part];
    }),
  );
}

/** FNV-1a. */
function hash(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}
