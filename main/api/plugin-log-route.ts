import { answerJson } from "./answer.ts";
import type { Route } from "./routes.ts";

/** What a plugin logged lately, and its errors counted. */
export const PLUGIN_LOG_ROUTE: Route = {
  methods: ["GET"],
  path: "/api/agent/plugins/:folder/:name/log",
  summary: "The newest lines of a plugin's log, and each kind of its errors once with its count",
  parameters: [{ name: "instance", type: "string", description: "Of a plugin with named instances; `default` when absent" }],
  answers: "PluginLogReport",
  handle(view, { url, path }) {
    const instance = url.searchParams.get("instance") ?? "default";
    return answerJson(200, view.pluginLog(`${path.folder}/${path.name}`, instance));
  },
};
