import { signal } from "@preact/signals";

const query = matchMedia("(min-width: 1600px)");

/** Room for three columns; the style sheet breaks at the same width. */
export const wide = signal(query.matches);
query.addEventListener("change", () => (wide.value = query.matches));
