/** How far an endpoint was asked. */
export interface HttpMark {
  /** The newest sample's time of all whole runs, Unix ms. */
  readonly newestMs: number | null;
  /** Of the first page, to be told when nothing has changed. */
  readonly etag: string | null;
  readonly lastModified: string | null;
  /** Where a run that was broken off goes on. */
  readonly page: PagePlace | null;
}

/** The page to ask for: an address, or a cursor, offset or number as text. */
export interface PagePlace {
  readonly at: string;
  /** Pages and rows before it. */
  readonly pages: number;
  readonly rows: number;
}

export function httpMark(kept: unknown): HttpMark {
  const mark = (kept ?? {}) as Partial<HttpMark>;
  const text = (value: unknown): string | null => (typeof value === "string" ? value : null);
  const at = text(mark.page?.at);
  return {
    newestMs: typeof mark.newestMs === "number" ? mark.newestMs : null,
    etag: text(mark.etag),
    lastModified: text(mark.lastModified),
    page: at === null ? null : { at, pages: Number(mark.page?.pages) || 0, rows: Number(mark.page?.rows) || 0 },
  };
}
