import {
  AgentError,
  type BatchRun,
  type BatchSource,
  type BatchSourceConfig,
  type BatchTools,
  type FetchAnswer,
  PermanentError,
  type PluginContext,
  pointerParts,
} from "all-use-agent/sdk";
import { checkStatus, nextLink } from "./http-answer.ts";
import { type HttpMark, httpMark, type PagePlace } from "./http-mark.ts";
import { type Page, readPage } from "./http-rows.ts";

export interface HttpSourceConfig extends BatchSourceConfig {
  readonly url: string;
  readonly method?: "GET" | "POST";
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly auth?: string;
  readonly auth_header?: string;
  readonly format?: "json" | "jsonl" | "csv" | "openmetrics" | "prometheus";
  /** JSON pointer. */
  readonly rows?: string;
  readonly delimiter?: string;
  readonly quote?: string;
  readonly header?: boolean;
  readonly columns?: readonly string[];
  readonly encoding?: "utf-8" | "windows-1252";
  /** Milliseconds. */
  readonly timeout?: number;
  readonly page_by?: "none" | "link" | "cursor" | "offset" | "page";
  readonly next?: string;
  readonly page_parameter?: string;
  readonly page_size?: number;
  readonly pages_max?: number;
  readonly mark_format?: "iso8601" | "unix_s" | "unix_ms";
  readonly mark_start?: string;
  /** Milliseconds. */
  readonly overlap?: number;
}

export function openHttpSource(ctx: PluginContext, config: HttpSourceConfig, tools: BatchTools) {
  const exposition = config.format === "openmetrics" || config.format === "prometheus";
  if (!URL.canParse(config.url))
    throw new AgentError("batch_config_invalid", `${JSON.stringify(config.url)} is no address`, { where: "/url" });
  return { source: new HttpSource(ctx, config, tools), mapped: !exposition };
}

/** An endpoint that is asked page by page. */
class HttpSource implements BatchSource {
  readonly identity: string;
  private readonly ctx: PluginContext;
  private readonly config: HttpSourceConfig;
  private readonly tools: BatchTools;

  constructor(ctx: PluginContext, config: HttpSourceConfig, tools: BatchTools) {
    this.ctx = ctx;
    this.config = config;
    this.tools = tools;
    this.identity = `${config.method ?? "GET"} ${config.url}\n${config.body ?? ""}`;
  }

  async run(run: BatchRun): Promise<void> {
    const before = httpMark(run.mark);
    try {
      await this.pages(run, before);
    } catch (error) {
      // A page of a run that was broken off may not be there any more: the next run begins at the first.
      if (before.page !== null && error instanceof PermanentError)
        await run.commit({ ...before, etag: null, lastModified: null, page: null } satisfies HttpMark);
      throw error;
    }
  }

  private async pages(run: BatchRun, before: HttpMark): Promise<void> {
    const { pages_max: pagesMax = 1000 } = this.config;
    const first = this.fill(this.config.url, before);
    let place: PagePlace | null = before.page;
    let { etag, lastModified } = before;
    for (let asked = 0; ; asked++) {
      const here: HttpMark = { ...before, etag, lastModified, page: place };
      if (asked === pagesMax) {
        // The rest comes with the next run.
        await run.commit(here);
        return;
      }
      const url = this.addressOf(first, place);
      const answer = await this.ask(url, before, place === null, run);
      if (answer === null) break;
      if (place === null) {
        etag = answer.headers["etag"] ?? null;
        lastModified = answer.headers["last-modified"] ?? null;
      }
      // A page that was begun is asked for again: within it there is no place to go on at.
      const page = await readPage(this.ctx, this.config, this.tools, run, answer.body, () => run.breathe(() => here));
      const next = this.nextPlace(url, place, page, answer);
      if (next === null) break;
      if (next.at === place?.at)
        throw new PermanentError(`${whereOf(url)} names the same page as its next one: see page_by and next`);
      place = next;
      const reached: HttpMark = { ...before, etag, lastModified, page: place };
      await run.breathe(() => reached);
    }
    await run.commit({ newestMs: run.newestMs, etag, lastModified, page: null } satisfies HttpMark);
  }

  /** null: nothing has changed since the last time. */
  private async ask(url: string, before: HttpMark, first: boolean, run: BatchRun): Promise<FetchAnswer | null> {
    const { method = "GET", body, headers, auth, auth_header: authHeader = "authorization", timeout = 30_000 } = this.config;
    const sent: Record<string, string> = { accept: "*/*", ...headers };
    if (auth !== undefined) sent[authHeader] = auth;
    if (first && method === "GET" && before.etag !== null) sent["if-none-match"] = before.etag;
    if (first && method === "GET" && before.lastModified !== null) sent["if-modified-since"] = before.lastModified;
    const answer = await this.ctx.fetch(url, {
      method,
      headers: sent,
      timeoutMs: timeout,
      signal: run.signal,
      ...(method === "POST" && body !== undefined && { body: this.fill(body, before) }),
    });
    if (answer.status === 304 && first) return null;
    checkStatus(answer, whereOf(url), this.ctx.clock.now(), this.tools);
    return answer;
  }

  /** {mark} is how far it was read, in the words of the endpoint. */
  private fill(text: string, { newestMs }: HttpMark): string {
    if (!text.includes("{mark}")) return text;
    const { mark_format: format = "iso8601", mark_start: start = "1970-01-01T00:00:00Z", overlap = 0 } = this.config;
    const fromMs = newestMs === null ? null : newestMs - overlap;
    let mark = start;
    if (fromMs !== null)
      mark =
        format === "iso8601" ? new Date(fromMs).toISOString() : String(format === "unix_s" ? Math.floor(fromMs / 1000) : fromMs);
    return text.replaceAll("{mark}", text === this.config.url ? encodeURIComponent(mark) : mark);
  }

  private addressOf(first: string, place: PagePlace | null): string {
    const { page_by: by = "none", page_parameter: parameter = "cursor" } = this.config;
    if (by === "none") return first;
    if (by === "link") return place?.at ?? first;
    const url = new URL(first);
    if (place !== null) url.searchParams.set(parameter, place.at);
    return url.href;
  }

  private nextPlace(url: string, place: PagePlace | null, page: Page, answer: FetchAnswer): PagePlace | null {
    const { page_by: by = "none", next = "", page_size: size = 100 } = this.config;
    const done = { pages: (place?.pages ?? 0) + 1, rows: (place?.rows ?? 0) + page.rows };
    const told = next === "" ? undefined : this.tools.valueAt(page.json, pointerParts(next));
    switch (by) {
      case "link": {
        const link = next === "" ? nextLink(answer.headers["link"]) : told;
        if (typeof link !== "string" || link === "") return null;
        return { at: sameServer(link, url), ...done };
      }
      case "cursor":
        return typeof told === "string" || typeof told === "number" ? (told === "" ? null : { at: String(told), ...done }) : null;
      case "offset":
        return page.rows < size ? null : { at: String(done.rows), ...done };
      case "page": {
        // The first page may be called 0 or 1: the address says which.
        const number = Number(new URL(url).searchParams.get(this.config.page_parameter ?? "cursor") ?? 1);
        return page.rows < size ? null : { at: String(number + 1), ...done };
      }
      default:
        return null;
    }
  }
}

/** What proves who asks is for the server that was configured, wherever an answer points. */
function sameServer(link: string, from: string): string {
  if (!URL.canParse(link, from)) throw new PermanentError(`${whereOf(from)} names a next page that is no address`);
  const url = new URL(link, from);
  if (url.origin !== new URL(from).origin)
    throw new PermanentError(`${whereOf(from)} names a next page on another server: ${url.host}; configure that as a source`);
  return url.href;
}

/** An address without what may be secret in it. */
function whereOf(url: string): string {
  const { origin, pathname } = new URL(url);
  return `${origin}${pathname}`;
}
