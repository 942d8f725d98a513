import type { ConfigChange, PluginAction } from "all-use-agent/sdk";
import { answerJson } from "./answer.ts";
import { checkedBody } from "./body.ts";
import type { Route } from "./routes.ts";

const PLUGIN = "/api/agent/plugins/:folder/:name";
const INSTANCE = { type: "string", minLength: 1, maxLength: 31 };

/** What stands under one plugin; the shapes are those of sdk/wire-plugins.ts. */
export const PLUGIN_ROUTES: readonly Route[] = [
  {
    methods: ["GET"],
    path: PLUGIN,
    summary: "All about one plugin: its configuration, instances, permissions; no secrets",
    answers: "PluginDetail",
    handle: async (view, { path }) => answerJson(200, await view.plugin(idOf(path))),
  },
  {
    methods: ["POST"],
    path: `${PLUGIN}/config`,
    summary: "Sets the configuration of a plugin or an instance, at once; or only says what would be wrong with it",
    body: {
      type: "object",
      required: ["config"],
      additionalProperties: false,
      properties: {
        instance: { ...INSTANCE, description: "Absent: `default`." },
        config: { type: "object", description: "The whole configuration of the instance, without secrets." },
        strategy: { type: "object", description: "The whole strategy of the instance; absent: as it is." },
        secrets: {
          type: "object",
          additionalProperties: { type: ["string", "null"], maxLength: 16_384 },
          description: "By name or JSON pointer; null forgets one, those not named stay.",
        },
        check: { type: "boolean", description: "Change nothing." },
      },
    },
    answers:
      "PluginDetail; with `check`, {problems: ConfigProblem[]}. 422 with {problems} when something is wrong: then nothing changed",
    async handle(view, { request, path }) {
      const change = await checkedBody<ConfigChange>(request, this.body, { secrets: "secret" });
      const result = await view.configurePlugin(idOf(path), change);
      return answerJson("problems" in result && change.check !== true ? 422 : 200, result);
    },
  },
  {
    methods: ["POST"],
    path: `${PLUGIN}/action`,
    summary: "Switches on or off, restarts, reads now, removes; adds and removes instances",
    body: {
      type: "object",
      required: ["action"],
      additionalProperties: false,
      properties: {
        action: { enum: ["enable", "disable", "restart", "remove", "add_instance", "grant", "collect"] },
        instance: { ...INSTANCE, description: "Absent: the plugin. `add_instance` needs it." },
        permissions: {
          type: "array",
          items: { type: "string" },
          maxItems: 1000,
          description: "What `grant` grants: no more than plugin.json asks now.",
        },
      },
    },
    answers: "PluginDetail afterwards; {removed: id} when the plugin is gone; CollectReport of `collect`",
    async handle(view, { request, path }) {
      return answerJson(200, await view.actOnPlugin(idOf(path), await checkedBody<PluginAction>(request, this.body)));
    },
  },
];

function idOf({ folder, name }: Readonly<Record<string, string>>): string {
  return `${folder}/${name}`;
}
