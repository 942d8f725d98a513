import { FROM, readRange, TO } from "./agent-routes.ts";
import { answerJson } from "./answer.ts";
import { readInteger } from "./parameters.ts";
import type { Route } from "./routes.ts";

const RECORDS_MAX = 5000;

export const AUDIT_ROUTES: readonly Route[] = [
  {
    methods: ["GET"],
    path: "/api/agent/audit",
    summary: "The audit log, newest first, and whether the records looked at hang together",
    parameters: [
      FROM,
      TO,
      { name: "limit", type: "integer", description: `At most this many, 1 to ${RECORDS_MAX}; 500 when absent` },
      { name: "plugin", type: "string", description: "Only what it did or what was done to it, by id" },
    ],
    answers: "{records: AuditRecord[], intact: boolean}",
    async handle(view, { url }) {
      const { fromMs, toMs } = readRange(url.searchParams, view.now());
      const limit = readInteger(url.searchParams, "limit", 500, 1, RECORDS_MAX);
      const plugin = url.searchParams.get("plugin");
      return answerJson(200, await view.audit({ fromMs, toMs, limit, ...(plugin !== null && { plugin }) }));
    },
  },
];
