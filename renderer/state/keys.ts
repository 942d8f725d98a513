/** The keyboard, apart from what a focused chart or dialog does with it. */

export interface KeyActions {
  search(): void;
  help(): void;
  toggleLive(): void;
  /** Goes to the place with this letter; false when there is none. */
  goTo(letter: string): boolean;
}

/** So long `g` waits for its second key. */
const CHORD_MS = 1500;

/** Keys typed into fields mean themselves. */
function typing(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}

/** Moves the focus to the next or previous card or chart, as they stand on the page. */
function step(by: number): void {
  const stops = [...document.querySelectorAll<HTMLElement>("[data-stop]")];
  if (stops.length === 0) return;
  const here = stops.findIndex((stop) => stop.contains(document.activeElement));
  // A card holds a chart: the next stop is one that does not hold the focus already.
  const inner = stops.findLastIndex((stop) => stop.contains(document.activeElement));
  const from = by > 0 ? inner : here;
  const next = stops[from < 0 ? (by > 0 ? 0 : stops.length - 1) : Math.min(stops.length - 1, Math.max(0, from + by))];
  const target = next.querySelector<HTMLElement>(":scope > .plot-box > .plot:not([hidden])") ?? next;
  target.focus();
  target.scrollIntoView({ block: "nearest" });
}

/** Listens until stopped. */
export function followKeys(actions: KeyActions): () => void {
  let chordUntil = 0;
  const onKeyDown = (event: KeyboardEvent): void => {
    if (
      event.defaultPrevented ||
      event.ctrlKey ||
      event.metaKey ||
      event.altKey ||
      typing(event.target) ||
      document.querySelector("dialog[open]")
    )
      return;
    if (performance.now() < chordUntil) {
      chordUntil = 0;
      if (actions.goTo(event.key)) return event.preventDefault();
    }
    switch (event.key) {
      case "g":
        chordUntil = performance.now() + CHORD_MS;
        return;
      case "/":
        actions.search();
        break;
      case "?":
        actions.help();
        break;
      case ".":
        actions.toggleLive();
        break;
      case "j":
        step(1);
        break;
      case "k":
        step(-1);
        break;
      default:
        return;
    }
    event.preventDefault();
  };
  addEventListener("keydown", onKeyDown);
  return () => removeEventListener("keydown", onKeyDown);
}
