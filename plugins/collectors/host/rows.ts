/**
 * What each line of a file stood for last time. While the kernel prints the same keys in the same order, a line is
 * recognised by its key's hash; any other line is learnt anew, alone.
 */
export class Rows<T> {
  private hashes = new Int32Array(64);
  private readonly items: (T | undefined)[] = [];

  get(row: number, hash: number): T | undefined {
    return this.hashes[row] === hash ? this.items[row] : undefined;
  }

  set(row: number, hash: number, item: T): T {
    if (row >= this.hashes.length) {
      const larger = new Int32Array(Math.max(row + 1, this.hashes.length * 2));
      larger.set(this.hashes);
      this.hashes = larger;
    }
    this.hashes[row] = hash;
    this.items[row] = item;
    return item;
  }
}
