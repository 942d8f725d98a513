/** What a collection is ordered by: numbers before texts, and documents without the field before both. */
export type OrderValue = number | string | undefined;

interface Entry {
  readonly id: string;
  readonly value: OrderValue;
}

function rank(value: OrderValue): number {
  return value === undefined ? 0 : typeof value === "number" ? 1 : 2;
}

function compare(a: Entry, b: Entry): number {
  const byKind = rank(a.value) - rank(b.value);
  if (byKind !== 0) return byKind;
  if (a.value !== b.value) return (a.value as number) < (b.value as number) ? -1 : 1;
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
}

/**
 * Ids of one collection, oldest first, so that finding the oldest does not sort the documents at each write. New
 * documents are mostly the newest, which makes an insertion a push.
 */
export class OldestFirst {
  private readonly entries: Entry[] = [];
  private readonly values = new Map<string, OrderValue>();

  get size(): number {
    return this.entries.length;
  }

  set(id: string, raw: unknown): void {
    const value = typeof raw === "number" || typeof raw === "string" ? raw : undefined;
    if (this.values.has(id)) {
      if (this.values.get(id) === value) return;
      this.delete(id);
    }
    const entry = { id, value };
    this.entries.splice(this.position(entry), 0, entry);
    this.values.set(id, value);
  }

  delete(id: string): void {
    if (!this.values.has(id)) return;
    this.entries.splice(this.position({ id, value: this.values.get(id) }), 1);
    this.values.delete(id);
  }

  /** Ids of the oldest `count` documents. */
  oldest(count: number): string[] {
    return this.entries.slice(0, Math.max(0, count)).map((entry) => entry.id);
  }

  /** Index of the first entry that is not before the given one. */
  private position(entry: Entry): number {
    let low = 0;
    let high = this.entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compare(this.entries[middle], entry) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
