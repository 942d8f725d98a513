import type { Route } from "./routes.ts";

/** An OpenAPI 3.1 document of the routes that the router serves, made from the same list. */
export function openApiDocument(routes: readonly Route[], version: string): unknown {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of routes) {
    const path = route.path.replace(/:(\w+)/g, "{$1}");
    paths[path] ??= {};
    for (const method of route.methods) paths[path][method.toLowerCase()] = operation(route, method);
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "ALL-USE Agent",
      version,
      description: "Our own routes stand under /api/agent; those under /api/v1 answer as Prometheus' HTTP API does.",
    },
    security: [{ bearer: [] }],
    paths,
    components: {
      securitySchemes: { bearer: { type: "http", scheme: "bearer", description: "The token in `<data dir>/token`." } },
      schemas: {
        ErrorReport: {
          type: "object",
          required: ["error"],
          properties: {
            error: {
              type: "object",
              required: ["code", "message", "where"],
              properties: { code: { type: "string" }, message: { type: "string" }, where: { type: ["string", "null"] } },
            },
          },
        },
        PrometheusError: {
          type: "object",
          required: ["status", "errorType", "error"],
          properties: { status: { const: "error" }, errorType: { type: "string" }, error: { type: "string" } },
        },
      },
    },
  };
}

function operation(route: Route, method: string): unknown {
  const inPath = [...route.path.matchAll(/:(\w+)/g)].map(([, name]) => ({
    name,
    in: "path",
    required: true,
    schema: { type: "string" },
  }));
  const given = route.parameters ?? [];
  const inQuery = given.map(({ name, type, description, required, repeated }) => ({
    name,
    in: "query",
    // A POST may carry them in its form instead, so that there none is required of the query.
    required: required === true && method === "GET",
    description,
    schema: repeated === true ? { type: "array", items: { type } } : { type },
  }));
  const parameters = [...inPath, ...inQuery];
  const error = route.path.startsWith("/api/v1/") ? "PrometheusError" : "ErrorReport";
  return {
    summary: route.summary,
    ...(parameters.length > 0 && { parameters }),
    ...(route.body !== undefined && { requestBody: { required: true, content: { "application/json": { schema: route.body } } } }),
    ...(route.body === undefined && method !== "GET" && given.length > 0 && { requestBody: formBody(route) }),
    responses: {
      "200": { description: route.answers },
      default: {
        description: "What was wrong, in one sentence",
        content: { "application/json": { schema: { $ref: `#/components/schemas/${error}` } } },
      },
    },
  };
}

function formBody(route: Route): unknown {
  const properties = Object.fromEntries(
    (route.parameters ?? []).map(({ name, type, repeated }) => [
      name,
      repeated === true ? { type: "array", items: { type } } : { type },
    ]),
  );
  return { content: { "application/x-www-form-urlencoded": { schema: { type: "object", properties } } } };
}
