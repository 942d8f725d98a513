import { signal } from "@preact/signals";

/** What the door answered instead of what was asked for; `code` is `offline` when nothing answered at all. */
export class ApiError extends Error {
  readonly code: string;
  readonly status: number;
  /** The whole answer; null when it was no JSON. */
  readonly body: unknown;

  constructor(code: string, message: string, status: number, body: unknown = null) {
    super(message);
    this.name = "ApiError";
    this.code = code;
    this.status = status;
    this.body = body;
  }
}

/** The door wants a token that this page does not have. Stays true until the page is opened with its address. */
export const unauthorised = signal(false);

const TIMEOUT_MS = 20_000;

interface AnyError {
  readonly error?: string | { readonly code?: string; readonly message?: string };
  readonly errorType?: string;
}

/** Reads both shapes: Prometheus' `{errorType, error}` and our own `{error: {code, message}}`. */
function errorOf(status: number, body: AnyError | null): ApiError {
  const error = body?.error;
  if (typeof error === "string") return new ApiError(body?.errorType ?? "error", error, status, body);
  return new ApiError(error?.code ?? `http_${status}`, error?.message ?? `The agent answered ${status}.`, status, body);
}

async function request<T>(path: string, init: RequestInit, signal: AbortSignal | undefined): Promise<T> {
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  let response: Response;
  try {
    response = await fetch(path, {
      ...init,
      credentials: "same-origin",
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError("offline", timeout.aborted ? "The agent did not answer in time." : "The agent does not answer.", 0);
  }
  if (response.status === 401) unauthorised.value = true;
  const body: unknown = await response.json().catch(() => null);
  if (!response.ok) throw errorOf(response.status, body as AnyError | null);
  return body as T;
}

/** Paths are relative to the page, which is the door's root in both shells. */
export function getJson<T>(path: string, signal?: AbortSignal): Promise<T> {
  return request<T>(path, { headers: { accept: "application/json" } }, signal);
}

export function postJson<T>(path: string, body: unknown, signal?: AbortSignal): Promise<T> {
  return request<T>(
    path,
    { method: "POST", headers: { "content-type": "application/json", accept: "application/json" }, body: JSON.stringify(body) },
    signal,
  );
}

/** Sends a file as it is. */
export function postBytes<T>(path: string, bytes: Blob, signal?: AbortSignal): Promise<T> {
  return request<T>(
    path,
    { method: "POST", headers: { "content-type": "application/octet-stream", accept: "application/json" }, body: bytes },
    signal,
  );
}

export interface MatrixSeries {
  readonly metric: Readonly<Record<string, string>>;
  /** Seconds and the value as text, as Prometheus sends them. */
  readonly values: readonly (readonly [number, string])[];
}

interface QueryAnswer<T> {
  readonly data: { readonly resultType: string; readonly result: T };
}

/** A range query; `fromMs`, `toMs` and `stepMs` in milliseconds, the grid is `fromMs + n * stepMs`. */
export async function queryRange(
  expr: string,
  fromMs: number,
  toMs: number,
  stepMs: number,
  signal?: AbortSignal,
): Promise<readonly MatrixSeries[]> {
  const query = new URLSearchParams({
    query: expr,
    start: String(fromMs / 1000),
    end: String(toMs / 1000),
    step: String(stepMs / 1000),
  });
  const answer = await getJson<QueryAnswer<readonly MatrixSeries[]>>(`/api/v1/query_range?${query}`, signal);
  return answer.data.result;
}

interface VectorSample {
  readonly value: readonly [number, string];
}

/** The one value of an instant query, or null when it has none. */
export async function queryScalar(expr: string, signal?: AbortSignal): Promise<number | null> {
  const answer = await getJson<QueryAnswer<readonly VectorSample[] | readonly [number, string]>>(
    `/api/v1/query?${new URLSearchParams({ query: expr })}`,
    signal,
  );
  const { resultType, result } = answer.data;
  const text =
    resultType === "scalar" ? (result as readonly [number, string])[1] : (result as readonly VectorSample[])[0]?.value[1];
  const value = text === undefined ? NaN : Number(text);
  return Number.isFinite(value) ? value : null;
}
