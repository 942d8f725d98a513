/** The client has no types of its own; what the tests use of it. */
declare module "node-statsd" {
  interface Options {
    readonly host: string;
    readonly port: number;
    readonly prefix?: string;
    readonly global_tags?: readonly string[];
  }
  export default class StatsD {
    constructor(options: Options);
    increment(name: string, value: number, tags?: readonly string[]): void;
    gauge(name: string, value: number): void;
    timing(name: string, ms: number): void;
    unique(name: string, value: string): void;
    close(): void;
  }
}
