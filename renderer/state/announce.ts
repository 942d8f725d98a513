import { signal } from "@preact/signals";

/** What a screen reader is told next. */
export const announcement = signal("");

/** Said politely; the last of several quick ones is said, so that a held key does not queue up speech. */
const QUIET_MS = 150;
let timer: ReturnType<typeof setTimeout> | undefined;

export function announce(text: string): void {
  clearTimeout(timer);
  timer = setTimeout(() => (announcement.value = text), QUIET_MS);
}
