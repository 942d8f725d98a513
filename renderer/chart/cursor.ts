import { signal } from "@preact/signals";

/** The time at which all charts of the page are read; null when nobody points at one. */
export const cursorMs = signal<number | null>(null);
