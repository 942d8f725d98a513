import { computed, signal } from "@preact/signals";

/**
 * The address after `#`: `#/now?last=15m`. A place and its parameters; everything that can be linked to is in it.
 * After the hash, because the desktop shell and the door serve one file and neither knows the places.
 */
export interface Address {
  readonly place: string;
  readonly params: Readonly<Record<string, string>>;
}

export const FIRST_PLACE = "now";

export function parseAddress(hash: string): Address {
  const text = hash.startsWith("#") ? hash.slice(1) : hash;
  const cut = text.indexOf("?");
  const path = cut < 0 ? text : text.slice(0, cut);
  const params = Object.fromEntries(new URLSearchParams(cut < 0 ? "" : text.slice(cut + 1)));
  return { place: path.split("/").find((part) => part !== "") ?? FIRST_PLACE, params };
}

export function formatAddress(address: Address): string {
  const params = new URLSearchParams(address.params).toString();
  return `#/${address.place}${params ? `?${params}` : ""}`;
}

export const address = signal<Address>(parseAddress(typeof location === "undefined" ? "" : location.hash));
export const place = computed(() => address.value.place);

/** Parameters that go along from place to place: the time that all charts share. */
const SHARED = ["last", "from", "to"];

/** Where a link to another place leads: there, at the same time. */
export function placeHref(id: string): string {
  const params: Record<string, string> = {};
  for (const name of SHARED) {
    const value = address.value.params[name];
    if (value !== undefined) params[name] = value;
  }
  return formatAddress({ place: id, params });
}

/**
 * Asked before the address changes to `next`: true holds the page where it is, and whoever said so calls `proceed` to go
 * after all.
 */
export type Gate = (next: Address, proceed: () => void) => boolean;

let gate: Gate | null = null;

/** Holds the page while there is something to lose. One at a time; returns how to open it. */
export function setGate(asked: Gate): () => void {
  gate = asked;
  return () => {
    if (gate === asked) gate = null;
  };
}

/** What there was to lose is gone. */
export function openGate(): void {
  gate = null;
}

/** Changes parameters; null removes one. `replace` leaves no step in the history. */
export function setParams(changes: Readonly<Record<string, string | null>>, replace = false): void {
  const params: Record<string, string> = { ...address.value.params };
  for (const [name, value] of Object.entries(changes)) {
    if (value === null) delete params[name];
    else params[name] = value;
  }
  const next = { place: address.value.place, params };
  const go = (): void => move(next, replace);
  if (!gate?.(next, go)) go();
}

function move(next: Address, replace: boolean): void {
  history[replace ? "replaceState" : "pushState"](null, "", formatAddress(next));
  address.value = next;
}

export function goTo(id: string): void {
  location.hash = placeHref(id);
}

/** Follows the address bar, back and forward. Returns how to stop. */
export function followAddress(): () => void {
  const read = (): void => {
    const next = parseAddress(location.hash);
    const here = address.peek();
    // Two events tell of one step.
    if (formatAddress(next) === formatAddress(here)) return;
    if (gate?.(next, () => move(next, false))) history.replaceState(null, "", formatAddress(here));
    else address.value = next;
  };
  addEventListener("hashchange", read);
  addEventListener("popstate", read);
  return () => {
    removeEventListener("hashchange", read);
    removeEventListener("popstate", read);
  };
}
