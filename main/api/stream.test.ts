import type { FindingReport, StreamEvents } from "all-use-agent/sdk";
import { afterEach, describe, expect, it } from "vitest";
import { LiveStream, type StreamOptions } from "./stream.ts";
import { MemoryAgent } from "./testing.ts";

interface Received {
  readonly id: string;
  readonly event: string;
  readonly data: unknown;
}

/** Reads one connection, as slowly as the test likes. */
class Reader {
  readonly #texts: AsyncIterator<string>;
  readonly #abort: AbortController;
  readonly comments: string[] = [];

  constructor(stream: LiveStream, lastEventId?: string) {
    this.#abort = new AbortController();
    const headers: Record<string, string> = lastEventId === undefined ? {} : { "Last-Event-ID": lastEventId };
    const answer = stream.open(new Request("http://127.0.0.1/api/agent/stream", { headers, signal: this.#abort.signal }));
    this.#texts = (answer.body as AsyncIterable<string>)[Symbol.asyncIterator]();
  }

  /** The events of the next chunk that has any, or the comment that came instead. */
  async next(): Promise<Received[]> {
    for (;;) {
      const result = await this.#texts.next();
      if (result.done) return [];
      const blocks = result.value.split("\n\n").filter(Boolean);
      const events = blocks.filter((block) => block.includes("data: ")).map(parse);
      if (events.length > 0) return events;
      this.comments.push(...blocks);
      if (blocks.some((block) => block.startsWith(":"))) return [];
    }
  }

  /** As a listener does when its client has gone. */
  async cancel(): Promise<void> {
    this.abort();
    await this.#texts.return?.();
  }

  abort(): void {
    this.#abort.abort();
  }
}

function parse(block: string): Received {
  const field = (name: string) => new RegExp(`^${name}: (.*)$`, "m").exec(block)?.[1] ?? "";
  return { id: field("id"), event: field("event"), data: JSON.parse(field("data")) };
}

const tick = (nowMs: number): StreamEvents["tick"] => ({
  nowMs,
  newestSampleMs: nowMs,
  panels: [],
  cost: { cpuPercent: 0, residentBytes: 0, diskBytes: 0, eventLoopDelayP99Ms: 0 },
});

const finding = (id: string) => ({ id, summary: id }) as FindingReport;

describe("the live stream", () => {
  const open: Reader[] = [];
  afterEach(async () => {
    for (const reader of open.splice(0)) await reader.cancel().catch(() => undefined);
  });

  function setUp(options: StreamOptions = {}) {
    const agent = new MemoryAgent();
    const stream = new LiveStream(agent, { lingerMs: 20, ...options });
    const connect = (lastEventId?: string) => {
      const reader = new Reader(stream, lastEventId);
      open.push(reader);
      return reader;
    };
    return { agent, stream, connect };
  }

  it("hands on every kind of event under its name", async () => {
    const { agent, connect } = setUp();
    const reader = connect();
    agent.tell({ type: "finding", data: finding("f1") });
    agent.tell({ type: "plugins", data: { plugins: [] } });
    agent.tell({ type: "tick", data: tick(1) });
    const events = await reader.next();
    expect(events.map(({ event }) => event)).toEqual(["finding", "plugins", "tick"]);
    expect(events[0].data).toEqual(finding("f1"));
    expect(events.every(({ id }) => id !== "")).toBe(true);
  });

  it("gives a slow client the latest tick only, and every finding in order", async () => {
    const { agent, connect } = setUp();
    const slow = connect();
    for (let second = 1; second <= 100; second++) {
      agent.tell({ type: "tick", data: tick(second) });
      if (second % 40 === 0) agent.tell({ type: "finding", data: finding(`f${second}`) });
    }
    const events = await slow.next();
    expect(
      events.map(({ event, data }) => [event, (data as { id?: string; nowMs?: number }).id ?? (data as { nowMs: number }).nowMs]),
    ).toEqual([
      ["finding", "f40"],
      ["finding", "f80"],
      ["tick", 100],
    ]);
    agent.tell({ type: "tick", data: tick(101) });
    expect((await slow.next()).map(({ data }) => (data as { nowMs: number }).nowMs)).toEqual([101]);
  });

  it("resumes findings and recommendations after the last event that the client has", async () => {
    const { agent, connect } = setUp();
    const first = connect();
    agent.tell({ type: "finding", data: finding("f1") });
    agent.tell({ type: "tick", data: tick(1) });
    const seen = (await first.next()).at(-1);
    await first.cancel();
    agent.tell({ type: "finding", data: finding("f2") });
    agent.tell({ type: "finding", data: finding("f3") });
    const again = connect(seen?.id);
    const missed = await again.next();
    expect(missed.filter(({ event }) => event === "finding").map(({ data }) => (data as { id: string }).id)).toEqual([
      "f2",
      "f3",
    ]);
  });

  it("sends all it still has to a client that comes from another run", async () => {
    const { agent, connect } = setUp();
    connect();
    agent.tell({ type: "finding", data: finding("f1") });
    const stranger = connect("other-run-7");
    expect((await stranger.next()).map(({ data }) => (data as { id: string }).id)).toEqual(["f1"]);
  });

  it("keeps a bounded number of events, and lets the oldest go", async () => {
    const { agent, connect } = setUp({ ringEvents: 3 });
    const slow = connect();
    for (let i = 1; i <= 10; i++) agent.tell({ type: "finding", data: finding(`f${i}`) });
    expect((await slow.next()).map(({ data }) => (data as { id: string }).id)).toEqual(["f8", "f9", "f10"]);
  });

  it("sends a comment when nothing else is to say", async () => {
    const { connect } = setUp({ heartbeatMs: 10 });
    const reader = connect();
    expect(await reader.next()).toEqual([]);
    expect(reader.comments).toContain(":");
  });

  it("listens to the agent only while someone watches, and a little longer", async () => {
    const { agent, stream, connect } = setUp();
    expect(agent.listeners.size).toBe(0);
    const reader = connect();
    expect(agent.listeners.size).toBe(1);
    await reader.cancel();
    expect(stream.clients).toBe(0);
    expect(agent.listeners.size).toBe(1);
    await expect.poll(() => agent.listeners.size).toBe(0);
  });

  it("forgets a client that goes away without reading, and ends its stream", async () => {
    const { stream, connect } = setUp();
    const reader = connect();
    const pending = reader.next();
    reader.abort();
    expect(stream.clients).toBe(0);
    expect(await pending).toEqual([]);
  });

  it("refuses more clients than it has room for", () => {
    const { connect } = setUp();
    for (let i = 0; i < 32; i++) connect();
    expect(() => connect()).toThrow(/32 live streams/);
  });

  it("answers HEAD without opening a stream", () => {
    const { stream } = setUp();
    const response = stream.open(new Request("http://127.0.0.1/api/agent/stream", { method: "HEAD" }));
    expect(response.headers["Content-Type"]).toContain("text/event-stream");
    expect(stream.clients).toBe(0);
  });
});
