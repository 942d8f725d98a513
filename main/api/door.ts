import { AgentError } from "all-use-agent/sdk";
import { answer, answerError, answerText, HTML_TYPE } from "./answer.ts";
import { type Access, type Auth, createGuard } from "./guard.ts";
import { createPage } from "./page.ts";
import { createRouter, refuseMethod, routeMethod } from "./router.ts";
import { SIGN_IN_PAGE } from "./sign-in.ts";
import type { AgentView } from "./view.ts";
import type { Answer, Door, DoorRequest } from "./exchange.ts";

export interface DoorOptions {
  readonly auth: Auth;
  /** The built page's folder, or null when there is none. */
  readonly pageDir: string | null;
  /** Host names to answer for besides the loopback ones, without port. */
  readonly allowedHosts?: readonly string[];
}

/** As much as the listener takes for a request's line and headers; said here again for the desktop's requests. */
const MAX_URL_CHARS = 32 * 1024;

/**
 * The one door: every request of the page, the command line, Grafana and the tests comes through here, over loopback
 * HTTP or the desktop's own protocol. Never rejects: what goes wrong inside is an answer too.
 */
export function createDoor(view: AgentView, options: DoorOptions): Door {
  const guard = createGuard(options.auth, options.allowedHosts);
  const page = options.pageDir === null ? null : createPage(options.pageDir);
  const route = createRouter(view);

  async function admit(request: DoorRequest, url: URL): Promise<Answer> {
    const path = url.pathname;
    const reads = request.method === "GET" || request.method === "HEAD";
    if (path === "/-/healthy" || path === "/-/ready") {
      if (!reads) return refuseMethod(path, ["GET"]);
      return path === "/-/healthy" || view.ready() ? answerText(200, "ok") : answerText(503, "not ready");
    }
    const access = guard.access(request, url);
    const ofPage = !path.startsWith("/api/") && view.route(routeMethod(request), path) === null;
    guard.checkOrigin(request, url, access, ofPage);
    if (path === "/" && reads && url.searchParams.has("token")) return signIn(url, access);
    if (access === null) return refuseStranger(request, path, ofPage);
    if (!ofPage) return route(request, url);
    if (!reads) return refuseMethod(path, ["GET"]);
    return (await page?.serve(request, url)) ?? noSuchPage(path);
  }

  /** The token leaves the address bar at once: it would stay in the history. */
  function signIn(url: URL, access: Access | null): Answer {
    if (access === "open") return answer(303, null, null, { Location: "/" });
    const cookie = guard.cookieFor(url.searchParams.get("token") ?? "", url);
    if (cookie === null) return answer(401, HTML_TYPE, SIGN_IN_PAGE);
    return answer(303, null, null, { Location: "/", "Set-Cookie": cookie });
  }

  return async (request) => {
    let path = "/";
    try {
      if (request.url.length > MAX_URL_CHARS) {
        throw new AgentError("url_too_long", `The address is longer than ${MAX_URL_CHARS} characters; send a form with POST.`, {
          where: "url",
        });
      }
      const url = new URL(request.url);
      path = url.pathname;
      guard.checkHost(request, url);
      return await admit(request, url);
    } catch (error) {
      return answerError(path, error);
    }
  };
}

function refuseStranger(request: DoorRequest, path: string, ofPage: boolean): Answer {
  if (ofPage && (request.headers.get("accept") ?? "").includes("text/html")) return answer(401, HTML_TYPE, SIGN_IN_PAGE);
  const error = new AgentError(
    "unauthorized",
    "This needs the agent's token: send Authorization: Bearer with what stands in the file token of the data folder.",
    { where: "Authorization" },
  );
  return answerError(path, error, { "WWW-Authenticate": "Bearer" });
}

function noSuchPage(path: string): Answer {
  if (path === "/") return answerText(404, "This agent runs without its page; run npm run build and start it again.");
  return answerText(404, "There is nothing at this address; the page is at /.");
}
