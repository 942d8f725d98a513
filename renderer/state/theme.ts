import { signal } from "@preact/signals";

/** How the page looks, by the reader's word over the system's: `null` follows the system. */
export const THEMES = ["light", "dark", "contrast"] as const;
export type Theme = (typeof THEMES)[number];

const KEY = "alluse.theme";

function remembered(): Theme | null {
  try {
    const value = localStorage.getItem(KEY);
    return THEMES.find((theme) => theme === value) ?? null;
  } catch {
    // A browser that forbids storage still shows the page.
    return null;
  }
}

export const theme = signal<Theme | null>(null);

/** Counts up whenever colours may have changed, so that canvases are drawn anew. */
export const colours = signal(0);

function apply(): void {
  if (theme.value) document.documentElement.dataset.theme = theme.value;
  else delete document.documentElement.dataset.theme;
  colours.value++;
}

export function setTheme(next: Theme | null): void {
  theme.value = next;
  try {
    if (next) localStorage.setItem(KEY, next);
    else localStorage.removeItem(KEY);
  } catch {
    // Not remembered, but applied.
  }
  apply();
}

export function startTheme(): void {
  theme.value = remembered();
  apply();
  for (const query of ["(prefers-color-scheme: dark)", "(prefers-contrast: more)", "(forced-colors: active)"]) {
    matchMedia(query).addEventListener("change", () => colours.value++);
  }
}
