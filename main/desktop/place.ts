/** The scheme in front of the door; its origin is the page's. */
export const SCHEME = "alluse";
export const ORIGIN = `${SCHEME}://app`;

/** Longer than any place of the page, short enough to be handled without thought. */
const LINK_LENGTH_MAX = 2048;

/** The place `#/…` that a link `alluse://app/#/…` names; null for anything else. */
export function placeOfLink(link: string): string | null {
  if (link.length > LINK_LENGTH_MAX || !URL.canParse(link)) return null;
  const url = new URL(link);
  if (url.protocol !== `${SCHEME}:` || url.host !== "app" || url.search !== "") return null;
  if (url.pathname !== "" && url.pathname !== "/") return null;
  return url.hash.startsWith("#/") ? url.hash : null;
}

/** The place named by a command line: where the operating system puts the link that was opened. */
export function placeOfArguments(argv: readonly string[]): string | null {
  const link = argv.findLast((argument) => argument.startsWith(`${SCHEME}:`));
  return link === undefined ? null : placeOfLink(link);
}
