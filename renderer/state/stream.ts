import { signal } from "@preact/signals";
import type { StreamEvents } from "all-use-agent/sdk";
import { getJson } from "./api.ts";

export type Tick = StreamEvents["tick"];

/** `lost` after a stream that was there, or never came, went away; the page stays and tries again. */
export type Connection = "connecting" | "live" | "lost";

export const connection = signal<Connection>("connecting");

type Listeners = { [K in keyof StreamEvents]: Set<(data: StreamEvents[K]) => void> };

const listeners: Listeners = {
  tick: new Set(),
  finding: new Set(),
  recommendation: new Set(),
  notice: new Set(),
  plugins: new Set(),
};
const caughtUp = new Set<() => void>();

/** Calls back for each event of a kind. Returns how to stop. */
export function onEvent<K extends keyof StreamEvents>(kind: K, listener: (data: StreamEvents[K]) => void): () => void {
  listeners[kind].add(listener);
  return () => listeners[kind].delete(listener);
}

/** Calls back when the stream is there again after events may have been missed: read everything anew. */
export function onCatchUp(listener: () => void): () => void {
  caughtUp.add(listener);
  return () => caughtUp.delete(listener);
}

const RETRY_MS = 2000;
/** Two ticks late and a bit: the pipe looks open but nothing comes out of it. */
const SILENCE_MS = 5000;

let source: EventSource | null = null;
let missed = false;
let lastEventMs = 0;
let retry: ReturnType<typeof setTimeout> | undefined;

function heard(): void {
  lastEventMs = performance.now();
  if (connection.peek() === "live") return;
  connection.value = "live";
  if (!missed) return;
  missed = false;
  for (const listener of caughtUp) listener();
}

function lose(): void {
  missed = true;
  connection.value = "lost";
}

function open(): void {
  clearTimeout(retry);
  source?.close();
  source = new EventSource("/api/agent/stream");
  source.addEventListener("open", heard);
  source.addEventListener("error", () => {
    lose();
    // Closed, not trying again by itself: refused. The status route says why (a 401 shows the sign-in page).
    if (source?.readyState !== EventSource.CLOSED) return;
    getJson("/api/agent/status").catch(() => undefined);
    retry = setTimeout(open, RETRY_MS);
  });
  for (const kind of Object.keys(listeners) as (keyof StreamEvents)[]) {
    source.addEventListener(kind, (event) => {
      heard();
      dispatch(kind, (event as MessageEvent<string>).data);
    });
  }
}

function dispatch<K extends keyof StreamEvents>(kind: K, text: string): void {
  const data = JSON.parse(text) as StreamEvents[K];
  for (const listener of listeners[kind]) listener(data);
}

/** A hidden page costs nothing: the stream is closed, and on showing it everything is read anew. */
function follow(): void {
  if (document.hidden) {
    clearTimeout(retry);
    source?.close();
    source = null;
    missed = true;
    connection.value = "connecting";
  } else if (!source) open();
}

function watch(): void {
  if (source && connection.peek() === "live" && performance.now() - lastEventMs > SILENCE_MS) lose();
}

/** Opens the stream and keeps it open while the page is seen. */
export function startStream(): void {
  document.addEventListener("visibilitychange", follow);
  setInterval(watch, 1000);
  follow();
}
