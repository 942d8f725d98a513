import {
  AgentError,
  type CollectionOptions,
  type DocumentCollection,
  type DocumentFilter,
  type DocumentQuery,
  errorText,
} from "all-use-agent/sdk";
import type Datastore from "nedb-promises";
import { cutTornTail, keepAside } from "./file.ts";
import { OldestFirst } from "./order.ts";

type Stored = { _id: string } & Record<string, unknown>;
type Store = Datastore<{ _id: string }> & { compactDatafileAsync(): Promise<void> };

export interface CollectionSurroundings {
  now(): number;
  maxDocumentBytes(): number;
  onTornTail(): void;
  onCorrupt(path: string, aside: string, error: unknown): void;
  stopped(): boolean;
}

/** Lines appended before the file is rewritten: enough that the rewriting costs less than the appending did. */
function compactAfter(documents: number): number {
  return 1000 + 3 * documents;
}

/**
 * One bounded collection in one file (docs/format/documents.md). Opened at first use. Operations run one after
 * another; each write has reached the operating system when its promise resolves.
 */
export class Collection implements DocumentCollection<Stored> {
  readonly options: CollectionOptions;
  private readonly path: string;
  private readonly around: CollectionSurroundings;
  private readonly order = new OldestFirst();
  private opening: Promise<Store> | null = null;
  private last: Promise<unknown> = Promise.resolve();
  private appendedLines = 0;
  /** A write failed half-way: the file is rewritten from memory before anything else is appended. */
  private rewrite = false;

  constructor(path: string, options: CollectionOptions, around: CollectionSurroundings) {
    this.path = path;
    this.options = options;
    this.around = around;
  }

  get size(): number {
    return this.order.size;
  }

  get(id: string): Promise<Stored | null> {
    return this.run(async (store) => (await store.findOne<Stored>({ _id: id })) ?? null);
  }

  find(query: DocumentQuery = {}): Promise<Stored[]> {
    return this.run(async (store) => {
      let cursor = store.find<Stored>(query.filter ?? {});
      if (query.sort) cursor = cursor.sort(query.sort);
      if (query.skip) cursor = cursor.skip(query.skip);
      if (query.limit !== undefined) cursor = cursor.limit(query.limit);
      return await cursor;
    });
  }

  count(filter: DocumentFilter = {}): Promise<number> {
    return this.run(async (store) => await store.count(filter));
  }

  put(document: Stored): Promise<void> {
    return this.run(async (store) => {
      this.check(document);
      await this.write(store, () => store.update({ _id: document._id }, document, { upsert: true }));
      this.order.set(document._id, document[this.options.orderBy]);
      const surplus = this.order.size - this.options.maxDocuments;
      if (surplus > 0) await this.removeIds(store, this.order.oldest(surplus));
      await this.compactWhenLong(store);
    });
  }

  remove(filter: DocumentFilter): Promise<number> {
    return this.run(async (store) => {
      const ids = (await store.find<Stored>(filter, { _id: 1 })).map((document) => document._id);
      await this.removeIds(store, ids);
      await this.compactWhenLong(store);
      return ids.length;
    });
  }

  /** Resolves when no operation is under way. */
  async settled(): Promise<void> {
    await this.last.catch(() => undefined);
  }

  private run<T>(operation: (store: Store) => Promise<T>): Promise<T> {
    const result = this.last
      .catch(() => undefined)
      .then(async () => {
        if (this.around.stopped())
          throw new AgentError("stopped", "the document store is stopped; start it to read or write documents");
        return operation(await this.open());
      });
    this.last = result;
    return result;
  }

  private check(document: Stored): void {
    if (typeof document._id !== "string" || document._id === "") {
      throw new AgentError("document_invalid", "a document needs a text _id; give it one before storing it", { where: "/_id" });
    }
    const bytes = Buffer.byteLength(JSON.stringify(document));
    const limit = this.around.maxDocumentBytes();
    if (bytes > limit) {
      throw new AgentError(
        "document_too_large",
        `document ${document._id} has ${bytes} bytes where ${limit} are allowed; store less of it`,
      );
    }
  }

  private async removeIds(store: Store, ids: string[]): Promise<void> {
    if (ids.length === 0) return;
    await this.write(store, () => store.remove({ _id: { $in: ids } }, { multi: true }));
    for (const id of ids) this.order.delete(id);
    this.appendedLines += ids.length - 1;
  }

  private async write(store: Store, append: () => Promise<unknown>): Promise<void> {
    try {
      if (this.rewrite) {
        await store.compactDatafileAsync();
        this.rewrite = false;
      }
      await append();
      this.appendedLines++;
    } catch (error) {
      const text = errorText(error);
      if (text.startsWith("Field names cannot")) {
        throw new AgentError("document_invalid", `a document's field names must not contain "." nor begin with "$": ${text}`, {
          cause: error,
        });
      }
      this.rewrite = true;
      throw new AgentError(
        "documents_write_failed",
        `${this.path} could not be written (${text}); see that the disk is writable and has room`,
        {
          where: this.path,
          cause: error,
        },
      );
    }
  }

  private async compactWhenLong(store: Store): Promise<void> {
    if (this.appendedLines <= compactAfter(this.order.size)) return;
    await store.compactDatafileAsync();
    this.appendedLines = 0;
  }

  private async open(): Promise<Store> {
    this.opening ??= this.load();
    try {
      return await this.opening;
    } catch (error) {
      this.opening = null;
      if (error instanceof AgentError) throw error;
      const message = `${this.path} could not be opened (${errorText(error)}); see that its folder exists and is readable and writable`;
      throw new AgentError("documents_unavailable", message, { where: this.path, cause: error });
    }
  }

  /** Loading also rewrites the file: one line a document. */
  private async load(): Promise<Store> {
    const { default: Nedb } = await import("nedb-promises");
    const create = (corruptAlertThreshold: number): Store =>
      Nedb.create({
        filename: this.path,
        corruptAlertThreshold,
        modes: { fileMode: 0o600, dirMode: 0o700 },
      } as never) as unknown as Store;
    if (await cutTornTail(this.path)) this.around.onTornTail();
    let store = create(0);
    try {
      await store.load();
    } catch (error) {
      if ((error as { corruptItems?: unknown }).corruptItems === undefined) throw error;
      this.around.onCorrupt(this.path, await keepAside(this.path, this.around.now()), error);
      store = create(1);
      await store.load();
    }
    const documents = await store.find<Stored>({}, { [this.options.orderBy]: 1 });
    for (const document of documents) this.order.set(document._id, document[this.options.orderBy]);
    const surplus = this.order.size - this.options.maxDocuments;
    if (surplus > 0) await this.removeIds(store, this.order.oldest(surplus));
    return store;
  }
}
