import { AgentError } from "all-use-agent/sdk";
import { Hono } from "hono";
import { agentRoutes } from "./agent-routes.ts";
import { answerError, answerJson } from "./answer.ts";
import { answerByPlugin } from "./plugin-route.ts";
import { PROMETHEUS_ROUTES } from "./prometheus.ts";
import type { Route } from "./routes.ts";
import { LiveStream } from "./stream.ts";
import type { AgentView } from "./view.ts";

export type Router = (request: Request, url: URL) => Response | Promise<Response>;

/** Everything that is not the page: the agent's routes, Prometheus' and the plugins'. Admission has happened before. */
export function createRouter(view: AgentView): Router {
  const app = new Hono<{ Bindings: { url: URL } }>();
  const routes: Route[] = [...agentRoutes(new LiveStream(view)), ...PROMETHEUS_ROUTES];
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
  for (const route of routes) {
    app.on([...route.methods], route.path, (c) =>
      route.handle(view, { request: c.req.raw, url: c.env.url, path: c.req.param() }),
    );
    app.all(route.path, (c) => refuseMethod(c.env.url.pathname, route.methods));
  }
  app.notFound((c) => {
    const { pathname } = c.env.url;
    const handler = view.route(routeMethod(c.req.raw), pathname);
    if (handler !== null) return answerByPlugin(handler, c.req.raw, c.env.url);
    throw new AgentError(
      "not_found",
      `There is no route ${c.req.raw.method} ${pathname.slice(0, 200)}; /api/agent/openapi.json lists them.`,
      {
        where: "path",
      },
    );
  });
  app.onError((error, c) => answerError(c.env.url.pathname, error));
  return (request, url) => app.fetch(request, { url });
}

/** The method under which a route is declared: HEAD is a GET without its body. */
export function routeMethod(request: Request): string {
  return request.method === "HEAD" ? "GET" : request.method;
}

export function refuseMethod(path: string, allowed: readonly string[]): Response {
  const error = new AgentError("method_not_allowed", `This address takes ${allowed.join(" and ")} only.`, { where: "method" });
  return answerError(path, error, { Allow: allowed.join(", ") });
}
