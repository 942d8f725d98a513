/** TEMPORARY until the SDK's. */
export class Sketch {
  private values: number[] = [];
  get count(): number {
    return this.values.length;
  }
  add(value: number, _weight: number): void {
    if (this.values.length < 10_000) this.values.push(value);
  }
  quantile(q: number): number {
    this.values.sort((a, b) => a - b);
    return this.values[Math.min(this.values.length - 1, Math.floor(q * this.values.length))];
  }
  clear(): void {
    this.values = [];
  }
}
