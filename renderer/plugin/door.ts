/** What the page asks of the door about one plugin. Everything throws `ApiError` when the agent would not. */
import type {
  ConfigChange,
  ConfigProblem,
  PackageInstall,
  PackagePreview,
  PluginAction,
  PluginDetail,
  PluginLogReport,
} from "all-use-agent/sdk";
import { ApiError, getJson, postBytes, postJson } from "../state/api.ts";

/** The id is two names with a slash between: two parts of the path. */
const pathOf = (id: string): string => `/api/agent/plugins/${id.split("/").map(encodeURIComponent).join("/")}`;

export const readDetail = (id: string, signal?: AbortSignal): Promise<PluginDetail> => getJson(pathOf(id), signal);

export const act = (id: string, action: PluginAction): Promise<PluginDetail> => postJson(`${pathOf(id)}/action`, action);

export const readLog = (id: string, instance: string, signal?: AbortSignal): Promise<PluginLogReport> =>
  getJson(`${pathOf(id)}/log?${new URLSearchParams({ instance })}`, signal);

/** Only says what is wrong with it. */
export async function checkConfig(id: string, change: ConfigChange, signal: AbortSignal): Promise<readonly ConfigProblem[]> {
  const { problems } = await postJson<{ problems: readonly ConfigProblem[] }>(
    `${pathOf(id)}/config`,
    { ...change, check: true },
    signal,
  );
  return problems;
}

export type Saved = { readonly detail: PluginDetail } | { readonly problems: readonly ConfigProblem[] };

/** The detail afterwards, or what is wrong; then nothing was changed. */
export async function saveConfig(id: string, change: ConfigChange): Promise<Saved> {
  try {
    return { detail: await postJson<PluginDetail>(`${pathOf(id)}/config`, change) };
  } catch (error) {
    const problems =
      error instanceof ApiError && error.status === 422 && (error.body as Partial<{ problems: unknown }>)?.problems;
    if (Array.isArray(problems)) return { problems: problems as readonly ConfigProblem[] };
    throw error;
  }
}

export const previewPackage = (file: Blob, signal: AbortSignal): Promise<PackagePreview> =>
  postBytes("/api/agent/packages", file, signal);

export const installPackage = (install: PackageInstall): Promise<PluginDetail> =>
  postJson("/api/agent/packages/install", install);

/** The sentence of an error, the agent's own where it gave one. */
export const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
