import type { AgentView } from "./view.ts";
import type { Answer, DoorRequest } from "./exchange.ts";

/** What a route's function gets besides the agent. */
export interface RouteInput {
  readonly request: DoorRequest;
  readonly url: URL;
  /** Parameters in the path by name, decoded. */
  readonly path: Readonly<Record<string, string>>;
}

export interface ParameterNote {
  readonly name: string;
  /** Named as in OpenAPI; a time is text. */
  readonly type: "string" | "integer" | "number";
  readonly description: string;
  readonly required?: true;
  /** May be given several times. */
  readonly repeated?: true;
}

/**
 * One route of the door. The router and the OpenAPI document are both made from these, so neither can tell of a route
 * that the other does not have.
 */
export interface Route {
  readonly methods: readonly ("GET" | "POST" | "PUT")[];
  /** As Hono takes it: `/api/v1/label/:name/values`. */
  readonly path: string;
  readonly summary: string;
  readonly parameters?: readonly ParameterNote[];
  /** JSON Schema of the JSON body; absent for forms and for no body. */
  readonly body?: Readonly<Record<string, unknown>>;
  /** What comes back, in one phrase. */
  readonly answers: string;
  handle(view: AgentView, input: RouteInput): Answer | Promise<Answer>;
}
