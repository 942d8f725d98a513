import { AgentError } from "all-use-agent/sdk";
import { cookieValue, secretMatcher } from "./token.ts";
import type { DoorRequest } from "./exchange.ts";

export type Auth = { readonly mode: "token"; readonly token: string } | { readonly mode: "none" };

/** By what a request may come in: the header, the page's cookie, or because no token is asked for. */
export type Access = "bearer" | "cookie" | "open";

export interface Guard {
  /** Throws `host_refused` unless the request names this agent as its host. */
  checkHost(request: DoorRequest, url: URL): void;
  /** How the request proves itself, or null when it does not. */
  access(request: DoorRequest, url: URL): Access | null;
  /**
   * Throws `origin_refused` when a page of another origin is behind the request. `page` is true for paths of the page
   * itself, which links on other sites may point to.
   */
  checkOrigin(request: DoorRequest, url: URL, access: Access | null, page: boolean): void;
  /** The Set-Cookie text for the one who knows the token, or null when the token is wrong or none is asked for. */
  cookieFor(candidate: string, url: URL): string | null;
}

/**
 * Names, not ports: a page can reach us under a foreign name (DNS rebinding) but never under a loopback name with a
 * wrong port, while an operator behind `ssh -L 9000:127.0.0.1:8420` rightly has another port.
 */
const LOOPBACK_NAMES = ["127.0.0.1", "localhost", "[::1]"];
const DESKTOP_SCHEME = "alluse:";
const DESKTOP_NAME = "app";
const HOST_FORM = /^(\[[0-9a-f:]+\]|[a-z0-9._-]+)(?::(\d{1,5}))?$/;
/** `Token` is how clients of InfluxDB name it. */
const SCHEME = /^(?:bearer|token) /i;
/** Thirty days: the token stays the same for longer, and a browser that is used renews it by each sign-in. */
const COOKIE_MAX_AGE_S = 30 * 86_400;

export function createGuard(auth: Auth, allowedHosts: readonly string[] = []): Guard {
  const names = new Set([...LOOPBACK_NAMES, ...allowedHosts.map((name) => name.toLowerCase())]);
  const isToken = auth.mode === "token" ? secretMatcher(auth.token) : () => false;
  const cookie = auth.mode === "token" ? cookieValue(auth.token) : "";
  const isCookie = secretMatcher(cookie);

  return {
    checkHost(request, url) {
      if (url.protocol === DESKTOP_SCHEME) {
        if (url.host === DESKTOP_NAME) return;
        throw hostRefused(url.host);
      }
      if (url.protocol !== "http:" && url.protocol !== "https:") throw hostRefused(url.host);
      // The request line may hold a whole address beside the Host header; both must name us.
      for (const host of [url.host, request.headers.get("host") ?? url.host]) {
        const name = HOST_FORM.exec(host.toLowerCase())?.[1];
        if (name === undefined || !names.has(name)) throw hostRefused(host);
      }
    },

    access(request, url) {
      if (auth.mode === "none") return "open";
      const header = request.headers.get("authorization");
      // A wrong header is refused even beside a right cookie: the sender meant the header.
      if (header !== null) return SCHEME.test(header) && isToken(header.replace(SCHEME, "").trim()) ? "bearer" : null;
      const cookies = request.headers.get("cookie");
      if (cookies === null) return null;
      const name = cookieName(url);
      for (const part of cookies.split(";")) {
        const at = part.indexOf("=");
        if (part.slice(0, at).trim() === name && isCookie(part.slice(at + 1).trim())) return "cookie";
      }
      return null;
    },

    checkOrigin(request, url, access, page) {
      const changes = request.method !== "GET" && request.method !== "HEAD";
      if (!changes && access === "bearer") return;
      const origin = request.headers.get("origin");
      const site = request.headers.get("sec-fetch-site");
      if (origin !== null && origin !== `${url.protocol}//${url.host}`) throw originRefused(`the origin ${origin.slice(0, 200)}`);
      if (site !== null && site !== "same-origin" && site !== "none") {
        const followedLink = page && !changes && request.headers.get("sec-fetch-mode") === "navigate";
        if (!followedLink) throw originRefused(`a ${site.slice(0, 20)} page`);
      }
      // Every browser of the last years sends one of the two with a change: without both it is no page of ours.
      if (changes && access === "cookie" && origin === null && site === null) {
        throw originRefused("a sender that names no origin");
      }
    },

    cookieFor(candidate, url) {
      if (!isToken(candidate)) return null;
      return `${cookieName(url)}=${cookie}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${COOKIE_MAX_AGE_S}`;
    },
  };
}

/** Browsers do not keep cookies of different ports apart; the name does. */
function cookieName(url: URL): string {
  return `alluse_${url.protocol === DESKTOP_SCHEME ? DESKTOP_NAME : url.port || (url.protocol === "https:" ? "443" : "80")}`;
}

function hostRefused(host: string): AgentError {
  return new AgentError(
    "host_refused",
    `This agent does not answer for the host ${JSON.stringify(host.slice(0, 200))}; use 127.0.0.1 or localhost.`,
    { where: "Host" },
  );
}

function originRefused(who: string): AgentError {
  return new AgentError("origin_refused", `Refused: the request comes from ${who}, and only this agent's own page may send it.`, {
    where: "Origin",
  });
}
