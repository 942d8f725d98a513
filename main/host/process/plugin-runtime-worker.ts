/** What runs in the process of an installed plugin: loads it, calls it when the agent says so, answers. Started by launcher.ts. */
import { once } from "node:events";
import module from "node:module";
import { Socket } from "node:net";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { deserialize } from "node:v8";
import {
  AgentError,
  type Analytics,
  type Collector,
  type Documents,
  errorText,
  type Exporter,
  type ForecastDataset,
  type Model,
  type PluginLifecycle,
  type Processor,
  type Recommender,
} from "all-use-agent/sdk";
import { makePlugin } from "../factory.ts";
import { encodeMessage, FRAME_MAX_BYTES, FrameReader } from "./frames.ts";
import { keepHeapLean, trimHeapOnce } from "./lean-heap.ts";
import {
  type AdviceParts,
  type DocumentsOrder,
  errorParts,
  type MigrationOrder,
  type RequestParts,
  type StartOrder,
  type ToChild,
} from "./messages.ts";
import { RuntimeContext } from "./runtime-context.ts";
import { documentsAnswer } from "./runtime-documents.ts";
import { FittedModels, ForecastAnswer } from "./runtime-model.ts";
import { processBatch } from "./runtime-processor.ts";

/** The agent is trusted; this only catches a stream out of step. */
const FROM_AGENT_MAX_BYTES = 256 * 1024 * 1024;
const EXIT_WITHIN_MS = 500;
const PART_BYTES = 512 * 1024;
const READ_BYTES = 16 * 1024;

keepHeapLean();
const reader = new FrameReader(FROM_AGENT_MAX_BYTES);
const data = new Socket({ fd: 3, readable: false, writable: true });
const control = new Socket({
  fd: 4,
  readable: true,
  writable: true,
  // One buffer for all reads; what is read is copied, for it may be kept.
  onread: {
    buffer: Buffer.allocUnsafeSlow(READ_BYTES),
    callback: (length, buffer) => {
      reader.push(Buffer.from(buffer.subarray(0, length)), (_type, payload) => take(deserialize(payload) as ToChild));
      return true;
    },
  },
});
const models = new FittedModels();
const calls = new Map<number, AbortController>();
let context: RuntimeContext | null = null;
let plugin: (PluginLifecycle & Partial<Collector & Analytics & Exporter & Recommender>) | null = null;
let nowMs = 0;

function say(json: { t: string } & Record<string, unknown>, bytes?: Uint8Array, pipe = control): void {
  const frame = encodeMessage(json, bytes);
  if (frame.length > FRAME_MAX_BYTES)
    throw new AgentError(
      "too_large",
      `${frame.length} bytes are more than the ${FRAME_MAX_BYTES} that can be handed to the agent at once`,
    );
  pipe.write(frame);
}

/** The first error that nobody caught ends the process; the agent decides whether there is another. */
function crash(error: unknown): void {
  setTimeout(() => process.exit(1), EXIT_WITHIN_MS);
  control.end(encodeMessage({ t: "crashed", error: { ...errorParts(error), code: "crashed" } }), () => process.exit(1));
}

/** Says what one frame cannot hold in parts, as fast as the agent reads, and returns the rest. */
async function sayParts(id: number, bytes: Uint8Array): Promise<Uint8Array> {
  let from = 0;
  for (; bytes.length - from > PART_BYTES; from += PART_BYTES) {
    say({ t: "part", id }, bytes.subarray(from, from + PART_BYTES));
    if (control.writableNeedDrain) await once(control, "drain");
  }
  return bytes.subarray(from);
}

async function start(order: StartOrder): Promise<{ methods: string[] }> {
  const ctx = new RuntimeContext({ order, say, data, now: () => nowMs });
  context = ctx;
  takeStripped(order);
  const made = await makePlugin(order.folder, order.manifest, () => ctx, order.config);
  plugin = made;
  try {
    if (order.snapshot) made.restore?.(order.snapshot);
  } catch (error) {
    ctx.log.warn(`its kept state was not usable, it starts empty: ${errorText(error)}`);
  }
  await made.start?.(ctx.signal);
  const names = ["collect", "observe", "process", "fit", "collection", "advise", "send", "handle", "snapshot"];
  return { methods: names.filter((name) => typeof (made as Record<string, unknown>)[name] === "function") };
}

/** TypeScript that the agent had stripped already is not compiled here. */
function takeStripped({ folder, javascript }: StartOrder): void {
  const sources = new Map(Object.entries(javascript).map(([path, code]) => [pathToFileURL(join(folder, path)).href, code]));
  if (sources.size === 0) return;
  module.registerHooks({
    load(url, loading, next) {
      const source = sources.get(url);
      return source === undefined ? next(url, loading) : { format: "module", source, shortCircuit: true };
    },
  });
}

async function run(method: string, args: readonly unknown[], signal: AbortSignal): Promise<unknown> {
  const [first] = args;
  switch (method) {
    case "start":
      return start(first as StartOrder);
    case "migrate": {
      const { folder, manifest, configs, fromVersion } = first as MigrationOrder;
      const { runMigration } = await import("../config/run-migration.ts");
      return { configs: await runMigration(folder, manifest, configs, fromVersion) };
    }
    case "collect":
      await plugin?.collect?.(signal);
      return undefined;
    case "timer":
      return await context?.runTimer(first as number);
    case "send":
      return await plugin?.send?.(context!.localBatch(first as never), signal);
    case "advise":
      return await plugin?.advise?.(context!.adviceView(first as AdviceParts), signal);
    case "fit":
      return await models.fit(plugin as Model, first as ForecastDataset, signal);
    case "predict":
      return await models.predict(...(args as [number, number, number, number]));
    case "documents":
      return await documentsAnswer(plugin as unknown as Documents, first as DocumentsOrder);
    case "handle":
      return await plugin?.handle?.(context!.routeRequest(first as RequestParts), signal);
    case "snapshot":
      return await plugin?.snapshot?.();
    case "stop":
      context?.abort();
      await plugin?.stop?.();
      // What it emitted last is with the agent before the answer is.
      await context?.flush().catch(() => {});
      return await context?.dispose();
    default:
      throw new AgentError("call_unknown", `there is no call ${method}`);
  }
}

async function answer(id: number, method: string, args: readonly unknown[]): Promise<void> {
  // A reading's answer comes behind its samples, with them in one write.
  const pipe = method === "collect" ? data : control;
  pipe.cork();
  setImmediate(() => pipe.uncork());
  const abort = new AbortController();
  calls.set(id, abort);
  try {
    let value = await run(method, args, abort.signal);
    let bytes: Uint8Array | undefined;
    if (value instanceof Uint8Array) [value, bytes] = [undefined, value];
    const body = (value as { body?: unknown } | undefined)?.body;
    if (method === "handle" && typeof body !== "undefined") {
      bytes = typeof body === "string" ? Buffer.from(body) : (body as Uint8Array);
      value = { ...(value as object), body: undefined };
    }
    if (value instanceof ForecastAnswer) [value, bytes] = [value.about, value.columns];
    if (bytes && method === "documents") bytes = await sayParts(id, bytes);
    say({ t: "done", id, value }, bytes, pipe);
  } catch (error) {
    say({ t: "done", id, error: errorParts(error) }, undefined, pipe);
  } finally {
    calls.delete(id);
  }
}

function take(message: ToChild): void {
  nowMs = message.nowMs;
  switch (message.t) {
    case "call":
      return void answer(message.id, message.method, message.args);
    case "abort":
      return calls.get(message.id)?.abort();
    case "ping": {
      const { user, system } = process.cpuUsage();
      return say({ t: "pong", residentBytes: process.memoryUsage.rss(), cpuMs: (user + system) / 1000 });
    }
    case "process":
      return processBatch({ plugin: plugin as Processor | null, context, data, seq: message.seq, batch: message.batch });
    case "observe":
      return context?.fault(() => plugin?.observe?.(context!.localBatch(message.batch)));
    default:
      context?.take(message);
  }
}

trimHeapOnce();
process.on("uncaughtException", crash);
process.on("unhandledRejection", crash);
// A terminal sends these to the whole group; the agent sees to an orderly end.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => {});
// Without the agent there is nothing to do: it ended, or it ended this.
for (const pipe of [control, data]) pipe.on("error", () => process.exit(0)).on("close", () => process.exit(0));
say({ t: "hello" });
