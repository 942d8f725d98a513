import { AgentError } from "all-use-agent/sdk";
import { TrieRouter } from "hono/router/trie-router";
import { agentRoutes } from "./agent-routes.ts";
import { answerError, answerJson } from "./answer.ts";
import { AUDIT_ROUTES } from "./audit-routes.ts";
import type { Answer, DoorRequest } from "./exchange.ts";
import { PACKAGE_ROUTES } from "./package-routes.ts";
import { answerByPlugin } from "./plugin-route.ts";
import { PLUGIN_ROUTES } from "./plugin-routes.ts";
import { PROMETHEUS_ROUTES } from "./prometheus.ts";
import type { Route } from "./routes.ts";
import { LiveStream } from "./stream.ts";
import type { AgentView } from "./view.ts";

export type Router = (request: DoorRequest, url: URL) => Answer | Promise<Answer>;

/** Everything that is not the page: the agent's routes, Prometheus' and the plugins'. Admission has happened before. */
export function createRouter(view: AgentView): Router {
  const routes: Route[] = [
    ...agentRoutes(new LiveStream(view)),
    ...PLUGIN_ROUTES,
    ...PACKAGE_ROUTES,
    ...AUDIT_ROUTES,
    ...PROMETHEUS_ROUTES,
  ];
  routes.push({
    methods: ["GET"],
    path: "/api/agent/openapi.json",
    summary: "This document",
    answers: "OpenAPI 3.1",
    async handle() {
      const { openApiDocument } = await import("./openapi.ts");
      return answerJson(200, openApiDocument(routes, view.status().version));
    },
  });
  const table = new TrieRouter<Route>();
  for (const route of routes) table.add("ALL", route.path, route);

  return (request, url) => {
    const [[found]] = table.match(request.method, url.pathname) as [[Route, Record<string, string>][]];
    if (found === undefined) return elsewhere(view, request, url);
    const [route, parameters] = found;
    if (!(route.methods as readonly string[]).includes(routeMethod(request))) return refuseMethod(url.pathname, route.methods);
    return route.handle(view, { request, url, path: decoded(parameters) });
  };
}

/** A plugin's route, or none at all. */
function elsewhere(view: AgentView, request: DoorRequest, url: URL): Promise<Answer> {
  const handler = view.route(routeMethod(request), url.pathname);
  if (handler !== null) return answerByPlugin(handler, request, url);
  const asked = `${request.method} ${url.pathname.slice(0, 200)}`;
  throw new AgentError("not_found", `There is no route ${asked}; /api/agent/openapi.json lists them.`, { where: "path" });
}

function decoded(parameters: Readonly<Record<string, string>>): Record<string, string> {
  try {
    return Object.fromEntries(Object.entries(parameters).map(([name, value]) => [name, decodeURIComponent(value)]));
  } catch {
    throw new AgentError("bad_request", "The address holds a percent sign that encodes nothing.", { where: "path" });
  }
}

/** The method under which a route is declared: HEAD is a GET without its body. */
export function routeMethod(request: DoorRequest): string {
  return request.method === "HEAD" ? "GET" : request.method;
}

export function refuseMethod(path: string, allowed: readonly string[]): Answer {
  const error = new AgentError("method_not_allowed", `This address takes ${allowed.join(" and ")} only.`, { where: "method" });
  return answerError(path, error, { Allow: allowed.join(", ") });
}
