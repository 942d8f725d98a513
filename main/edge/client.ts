import { AgentError, type ConfigProblem, errorText, type ErrorReport } from "all-use-agent/sdk";
import { readToken } from "../api/token.ts";
import { agentFilePath, isAlive, readAgentFile } from "./agent-file.ts";

/** Longer than the agent lets a query take. */
const TIMEOUT_MS = 130_000;

/** Speaks to the agent that runs on a data folder. */
export interface AgentClient {
  readonly port: number;
  readonly pid: number;
  readonly token: string | null;
  /** The JSON of a GET. Throws the agent's own error with its code, or `agent_unreachable`. */
  get<T>(path: string, parameters?: Readonly<Record<string, string>>): Promise<T>;
  /** The same as a form. */
  post<T>(path: string, parameters: Readonly<Record<string, string>>): Promise<T>;
  /** The same as JSON. */
  postJson<T>(path: string, body: unknown): Promise<T>;
  /** Sends bytes to a receiver. Any answer is one; throws `agent_unreachable` where there is none. */
  send(path: string, contentType: string, body: Uint8Array): Promise<ReceiverAnswer>;
}

export interface ReceiverAnswer {
  readonly status: number;
  readonly body: string;
  /** Seconds after which the agent wants to be asked again; null: it does not say. */
  readonly retryAfterS: number | null;
}

/** Finds the agent of a data folder. Throws `agent_not_running` when there is none, also when it died without a word. */
export async function connect(dataDir: string): Promise<AgentClient> {
  const file = await readAgentFile(dataDir);
  if (file === null) {
    throw new AgentError(
      "agent_not_running",
      `No agent runs on ${dataDir}; start one with alluse start, or name its folder with --data-dir.`,
    );
  }
  if (!isAlive(file.pid)) {
    throw new AgentError(
      "agent_not_running",
      `The agent of ${dataDir} (process ${file.pid}) has died without removing ${agentFilePath(dataDir)}; start it again with alluse start.`,
    );
  }
  const token = await readToken(dataDir);
  const base = `http://127.0.0.1:${file.port}`;

  async function exchange(path: string, init: RequestInit): Promise<{ response: Response; text: string }> {
    const headers: Record<string, string> = {
      ...(init.headers as Record<string, string>),
      ...(token !== null && { Authorization: `Bearer ${token}` }),
    };
    try {
      const response = await fetch(`${base}${path}`, { ...init, headers, signal: AbortSignal.timeout(TIMEOUT_MS) });
      return { response, text: await response.text() };
    } catch (error) {
      const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
      throw new AgentError(
        "agent_unreachable",
        `The agent at ${base} does not answer (${errorText(cause)}); alluse doctor looks for the reason.`,
        {
          cause: error,
        },
      );
    }
  }

  async function ask<T>(path: string, init: RequestInit): Promise<T> {
    const { response, text } = await exchange(path, init);
    let body: unknown;
    try {
      body = JSON.parse(text);
    } catch {
      throw new AgentError("agent_unreachable", `What answers at ${base} is not this agent; start it again with alluse start.`);
    }
    if (!response.ok) throw errorOf(response.status, body);
    return body as T;
  }

  return {
    port: file.port,
    pid: file.pid,
    token,
    get: (path, parameters = {}) => {
      const query = new URLSearchParams(parameters).toString();
      return ask(query === "" ? path : `${path}?${query}`, { method: "GET" });
    },
    post: (path, parameters) => ask(path, { method: "POST", body: new URLSearchParams(parameters) }),
    postJson: (path, body) =>
      ask(path, { method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json" } }),
    send: async (path, contentType, sent) => {
      const init = { method: "POST", body: sent as Uint8Array<ArrayBuffer>, headers: { "Content-Type": contentType } };
      const { response, text } = await exchange(path, init);
      const retryAfter = response.headers.get("retry-after");
      return { status: response.status, body: text, retryAfterS: retryAfter === null ? null : Number(retryAfter) };
    },
  };
}

/** The shapes of errors: the agent's own, Prometheus', and what is wrong with a configuration. */
function errorOf(status: number, body: unknown): AgentError {
  const problems = (body as { problems?: readonly ConfigProblem[] } | null)?.problems;
  if (problems) {
    const said = problems.map(({ where, message }) => (where === "/" ? message : `${where}: ${message}`)).join("; ");
    return new AgentError("plugin_config_invalid", `Nothing was changed: ${said}`, { where: problems[0]?.where ?? "/" });
  }
  const error = (body as Partial<ErrorReport> | null)?.error as ErrorReport["error"] | string | undefined;
  if (typeof error === "string") return new AgentError("refused", error);
  if (error !== undefined) return new AgentError(error.code, error.message);
  return new AgentError("refused", `The agent answered with status ${status} and no reason.`);
}
