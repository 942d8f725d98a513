import type { ChildProcess } from "node:child_process";
import type { Duplex, Readable } from "node:stream";
import { serialize } from "node:v8";
import { AgentError } from "all-use-agent/sdk";
import {
  decodeMessage,
  encodeFrame,
  FRAME_BATCH,
  FRAME_MAX_BYTES,
  FRAME_MESSAGE,
  FRAME_PROCESSED,
  FRAME_VALUE,
  FrameReader,
  type Message,
} from "./frames.ts";
import { CONTROL_FD, DATA_FD } from "./launcher.ts";
import { errorFrom, type ToChildBody } from "./messages.ts";
import { Throttle } from "./throttle.ts";

/** 200,000 samples a second: a hundred times the agent's own collector. */
const DATA_BYTES_PER_SECOND = 4 * 1024 * 1024;
const CONTROL_BYTES_PER_SECOND = 8 * 1024 * 1024;
/** More messages than this in one second are no work but a flood. */
const MESSAGES_PER_SECOND_MAX = 2000;
/** What may wait for a child that reads slowly; observed batches beyond it are dropped. */
const WAITING_MAX_BYTES = 4 * 1024 * 1024;

export interface ChannelOwner {
  now(): number;
  /** It answered a call. */
  heard(): void;
  message(message: Message): void;
  batch(payload: Uint8Array): void;
  /** What a processor left of a batch. */
  processed(payload: Uint8Array): void;
  /** It sends faster than it may and is read more slowly. */
  slowed(): void;
  /** What it sent cannot be taken. */
  violated(error: AgentError): void;
}

/** What a call into a child brought. */
export interface Answer {
  readonly value: unknown;
  readonly bytes: Uint8Array;
}

export interface CallOptions {
  /** Tells the process that nobody waits any more. */
  readonly signal?: AbortSignal;
  /** How much may come in parts before the answer; default nothing but the answer's own frame. */
  readonly answerMaxBytes?: number;
}

interface Pending {
  readonly id: number;
  readonly parts: Uint8Array[];
  bytesLeft: number;
  resolve(answer: Answer): void;
  reject(error: unknown): void;
}

/** The agent's end of the two pipes to a plugin's process. */
export class ChildChannel {
  private readonly owner: ChannelOwner;
  private readonly control: Duplex;
  private readonly throttles: Throttle[];
  private readonly pending = new Map<number, Pending>();
  private lastCall = 0;
  private closed = false;
  private secondStartMs = 0;
  private messagesThisSecond = 0;

  constructor(child: ChildProcess, owner: ChannelOwner) {
    this.owner = owner;
    this.control = child.stdio[CONTROL_FD] as Duplex;
    const data = child.stdio[DATA_FD] as Readable;
    this.throttles = [
      new Throttle(data, DATA_BYTES_PER_SECOND, this.reader(true), () => owner.slowed()),
      new Throttle(this.control, CONTROL_BYTES_PER_SECOND, this.reader(false)),
    ];
  }

  /** Whether the child reads what it is sent. */
  get congested(): boolean {
    return this.control.writableLength > WAITING_MAX_BYTES;
  }

  send(body: ToChildBody): void {
    if (this.closed || !this.control.writable) return;
    this.control.write(encodeFrame(FRAME_VALUE, serialize({ ...body, nowMs: this.owner.now() })));
  }

  call(method: string, args: readonly unknown[] = [], { signal, answerMaxBytes = 0 }: CallOptions = {}): Promise<Answer> {
    if (this.closed) return Promise.reject(new AgentError("process_ended", "its process is not running"));
    const id = ++this.lastCall;
    const abort = (): void => this.send({ t: "abort", id });
    const answer = new Promise<Answer>((resolve, reject) =>
      this.pending.set(id, { id, resolve, reject, parts: [], bytesLeft: answerMaxBytes }),
    );
    this.send({ t: "call", id, method, args });
    if (signal?.aborted) abort();
    signal?.addEventListener("abort", abort, { once: true });
    return answer.finally(() => {
      this.pending.delete(id);
      signal?.removeEventListener("abort", abort);
    });
  }

  /** Ends both pipes; every call that waits is rejected. */
  close(error: AgentError): void {
    if (this.closed) return;
    this.closed = true;
    for (const throttle of this.throttles) throttle.dispose();
    for (const waiting of this.pending.values()) waiting.reject(error);
  }

  private reader(isData: boolean): (chunk: Buffer) => void {
    const frames = new FrameReader(FRAME_MAX_BYTES);
    return (chunk) => {
      if (this.closed) return;
      try {
        frames.push(chunk, (type, payload) => this.take(type, payload, isData));
      } catch (error) {
        if (this.closed) return;
        this.owner.violated(
          error instanceof AgentError ? error : new AgentError("frame_invalid", "its process sent what cannot be read"),
        );
      }
    };
  }

  private take(type: number, payload: Uint8Array, isData: boolean): void {
    if (this.closed) return;
    if (type === FRAME_BATCH && isData) return this.owner.batch(payload);
    if (type === FRAME_PROCESSED && isData) return this.owner.processed(payload);
    if (type !== FRAME_MESSAGE)
      throw new AgentError("frame_invalid", `its process sent a frame of type ${type} where none is taken`);
    this.count();
    const message = decodeMessage(payload);
    if (message.json.t === "done") this.settle(message);
    else if (message.json.t === "part") this.gather(message);
    else this.owner.message(message);
  }

  private settle({ json, bytes }: Message): void {
    const waiting = this.pending.get(json["id"] as number);
    if (waiting) this.owner.heard();
    if (json["error"] !== undefined) waiting?.reject(errorFrom(json["error"]));
    else
      waiting?.resolve({
        value: json["value"],
        bytes: waiting.parts.length > 0 ? Buffer.concat([...waiting.parts, bytes]) : bytes,
      });
  }

  /** A piece of an answer too large for a frame. */
  private gather({ json, bytes }: Message): void {
    const waiting = this.pending.get(json["id"] as number);
    if (!waiting) return;
    waiting.bytesLeft -= bytes.length;
    if (waiting.bytesLeft >= 0) return void waiting.parts.push(bytes);
    this.pending.delete(waiting.id);
    waiting.reject(new AgentError("too_large", "its answer is larger than what can be taken: ask for less at once"));
  }

  private count(): void {
    const nowMs = performance.now();
    if (nowMs - this.secondStartMs > 1000) {
      this.secondStartMs = nowMs;
      this.messagesThisSecond = 0;
    }
    if (++this.messagesThisSecond > MESSAGES_PER_SECOND_MAX)
      throw new AgentError("message_flood", `it sent more than ${MESSAGES_PER_SECOND_MAX} messages in a second`);
  }
}
