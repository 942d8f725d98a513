import { AgentError, type PackageInstall } from "all-use-agent/sdk";
import { answerJson } from "./answer.ts";
import { checkedBody, mediaType, PACKAGE_LIMITS, readBody } from "./body.ts";
import type { Route } from "./routes.ts";

/** Adding packed plugins, and what plugins were granted; the shapes are those of sdk/wire-plugins.ts. */
export const PACKAGE_ROUTES: readonly Route[] = [
  {
    methods: ["POST"],
    path: "/api/agent/packages",
    summary: "Reads and checks a packed plugin (application/octet-stream) and shows what it is and asks; installs nothing",
    answers: "PackagePreview",
    async handle(view, { request }) {
      if (mediaType(request) !== "application/octet-stream") {
        throw new AgentError(
          "media_type_refused",
          "This route takes a packed plugin; send Content-Type: application/octet-stream.",
          { where: "Content-Type" },
        );
      }
      return answerJson(200, await view.packages.preview(await readBody(request, PACKAGE_LIMITS)));
    },
  },
  {
    methods: ["POST"],
    path: "/api/agent/packages/install",
    summary: "Installs a package that was shown in the last ten minutes, granting the permissions named; the rest is withheld",
    body: {
      type: "object",
      required: ["sha256", "permissions"],
      additionalProperties: false,
      properties: {
        sha256: { type: "string", pattern: "^[0-9a-f]{64}$" },
        permissions: { type: "array", items: { type: "string" }, maxItems: 1000 },
      },
    },
    answers: "PluginDetail",
    async handle(view, { request }) {
      return answerJson(200, await view.packages.install(await checkedBody<PackageInstall>(request, this.body)));
    },
  },
  {
    methods: ["GET"],
    path: "/api/agent/plugins/:folder/:name/permissions",
    summary: "What a plugin asks, was granted and used, its content's SHA-256 and who signed it",
    answers: "{permissions: PermissionReport[], sha256, signature: SignatureReport}",
    async handle(view, { path }) {
      return answerJson(200, await view.packages.detail(`${path.folder}/${path.name}`));
    },
  },
];
