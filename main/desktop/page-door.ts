import { ORIGIN, SCHEME } from "./place.ts";

export type Door = (request: Request) => Promise<Response>;

/**
 * What Electron adds to a request: the origin of the content that asks, null for an opaque one, absent when the shell
 * itself asks (a load of the window). The page cannot forge it.
 */
type PageRequest = Request & { readonly initiatorOrigin?: string | null };

/**
 * The door as `alluse://app/` serves it. Coming from the shell's own page is the proof that a token is elsewhere, so
 * such requests are given the token here; any other origin is refused with 403. Bodies stream both ways.
 */
export function pageDoor(door: Door, token: string | null): Door {
  return async (request: PageRequest) => {
    const url = new URL(request.url);
    const initiator = request.initiatorOrigin;
    if (url.protocol !== `${SCHEME}:` || url.host !== "app")
      return refusal(`only ${ORIGIN} is served here, not ${url.protocol}//${url.host}`);
    if (initiator !== undefined && initiator !== ORIGIN) {
      return refusal(`the request comes from ${initiator ?? "an opaque origin"}, and only the page at ${ORIGIN} may send it`);
    }
    const headers = new Headers(request.headers);
    headers.delete("cookie");
    headers.delete("authorization");
    if (token !== null) headers.set("authorization", `Bearer ${token}`);
    return door(new Request(request, { headers }));
  };
}

function refusal(why: string): Response {
  return Response.json({ error: { code: "origin_refused", message: `Refused: ${why}.`, where: null } }, { status: 403 });
}
