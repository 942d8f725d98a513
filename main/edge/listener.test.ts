import { connect } from "node:net";
import type { FindingReport } from "all-use-agent/sdk";
import { afterEach, describe, expect, it } from "vitest";
import { answerText } from "../api/answer.ts";
import { createDoor } from "../api/door.ts";
import type { Door } from "../api/exchange.ts";
import { MemoryAgent } from "../api/testing.ts";
import { type Listener, listen } from "./listener.ts";

describe("the listener", () => {
  const listeners: Listener[] = [];
  afterEach(async () => {
    await Promise.all(listeners.splice(0).map((listener) => listener.close()));
  });
  async function serve(handler: Door, port = 0): Promise<Listener> {
    const listener = await listen(port, handler);
    listeners.push(listener);
    return listener;
  }

  it("says in one sentence that a port is in use", async () => {
    const first = await serve(async () => answerText(200, "x"));
    await expect(serve(async () => answerText(200, "x"), first.port)).rejects.toMatchObject({
      code: "port_in_use",
      message: `Port ${first.port} is in use by another program; stop it, or choose another with --port N (0 picks a free one).`,
    });
  });

  it("listens on loopback only", async () => {
    const { port } = await serve(async () => answerText(200, "x"));
    const { networkInterfaces } = await import("node:os");
    const outside = Object.values(networkInterfaces()).flatMap((list) =>
      (list ?? []).filter(({ internal, family }) => !internal && family === "IPv4"),
    );
    for (const { address } of outside) {
      const refused = await new Promise<boolean>((resolve) => {
        connect(port, address)
          .on("connect", () => resolve(false))
          .on("error", () => resolve(true));
      });
      expect(refused).toBe(true);
    }
  });

  it("aborts the request's signal when its client leaves", async () => {
    let aborted: (() => void) | undefined;
    const whenAborted = new Promise<void>((resolve) => (aborted = resolve));
    let arrived: (() => void) | undefined;
    const whenArrived = new Promise<void>((resolve) => (arrived = resolve));
    const { port } = await serve((request) => {
      request.signal.addEventListener("abort", () => aborted?.());
      arrived?.();
      return new Promise(() => undefined);
    });
    const leaving = new AbortController();
    const asked = fetch(`http://127.0.0.1:${port}/`, { signal: leaving.signal }).catch(() => "left");
    await whenArrived;
    leaving.abort();
    await whenAborted;
    expect(await asked).toBe("left");
  });

  it("closes at once when idle, soon with a stream open, and twice", async () => {
    const agent = new MemoryAgent();
    const listener = await serve(createDoor(agent, { auth: { mode: "none" }, pageDir: null }));
    const stream = await fetch(`http://127.0.0.1:${listener.port}/api/agent/stream`);
    const reader = (stream.body as ReadableStream<Uint8Array>).getReader();
    await reader.read();
    // A stream never ends by itself: a listener that waited for it would not close.
    await Promise.all([listener.close(), listener.close()]);
    await expect(reader.read()).rejects.toThrow();
    await expect(fetch(`http://127.0.0.1:${listener.port}/`)).rejects.toThrow();
  });

  it("keeps nothing for a client that stops reading its stream, which then sees the newest tick only", async () => {
    const agent = new MemoryAgent();
    const { port } = await serve(createDoor(agent, { auth: { mode: "none" }, pageDir: null }));
    const socket = connect(port, "127.0.0.1");
    await new Promise((resolve) => socket.once("connect", resolve));
    socket.write("GET /api/agent/stream HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
    let got = "";
    socket.on("data", (chunk) => (got += String(chunk)));
    await expect.poll(() => got).toContain("retry:");
    socket.pause();
    // A megabyte a tick: the kernel's buffers fill within a few, and 200 of them would show in memory.
    const host = "x".repeat(1024 * 1024);
    const ticks = 200;
    for (let nowMs = 1; nowMs <= ticks; nowMs++) {
      const cost = { cpuPercent: 0, residentBytes: 0, diskBytes: 0, eventLoopDelayP99Ms: 0 };
      agent.tell({
        type: "tick",
        data: {
          nowMs,
          newestSampleMs: nowMs,
          panels: [{ panel: host, labels: {}, timestampMs: 0, value: 0, low: null, high: null }],
          cost,
        },
      });
      if (nowMs % 100 === 0) agent.tell({ type: "finding", data: { id: `f${nowMs}` } as FindingReport });
      await new Promise((resolve) => setImmediate(resolve));
    }
    socket.resume();
    await expect.poll(() => got.includes(`"nowMs":${ticks},`)).toBe(true);
    socket.destroy();
    const seen = [...got.matchAll(/"nowMs":(\d+),/g)].map(([, nowMs]) => Number(nowMs));
    expect(seen.length).toBeLessThan(ticks / 2);
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
    expect([...got.matchAll(/"id":"(f\d+)"/g)].map(([, id]) => id)).toEqual(["f100", "f200"]);
  });
});
