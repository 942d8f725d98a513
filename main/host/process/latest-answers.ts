import type { Duplex } from "node:stream";
import { serialize } from "node:v8";
import { AgentError, type SeriesInfo } from "all-use-agent/sdk";
import type { HostServices } from "../services.ts";
import { encodeFrame, FRAME_VALUE, FrameReader } from "./frames.ts";
import { LATEST_REQUEST_BYTES, type LatestAnswer } from "./latest-question.ts";
import type { Permissions } from "./permissions.ts";

/** Who asks more often waits for the next second: its process stands still meanwhile, the agent does not. */
const ANSWERS_PER_SECOND = 20;
/** Not to be read by this plugin. */
const HIDDEN = -1;

export interface LatestAnswersParts {
  readonly pipe: Duplex;
  readonly services: Pick<HostServices, "latest">;
  readonly permissions: Permissions;
  /** What it sent is no question. */
  violated(error: AgentError): void;
}

/**
 * Answers `ctx.latest()` of a plugin in a process of its own: on a pipe of its own, from which the plugin reads without going
 * on, so that the call can return what holds at this moment. Costs nothing until it is asked.
 */
export class LatestAnswers {
  private readonly parts: LatestAnswersParts;
  /** A series → its number in the process, which is told of each once. */
  private readonly numbers = new WeakMap<SeriesInfo, number>();
  private told = 0;
  private timer: NodeJS.Timeout | null = null;
  private second = 0;
  private answered = 0;
  private waiting = false;

  constructor(parts: LatestAnswersParts) {
    this.parts = parts;
    const { pipe } = parts;
    const reader = new FrameReader(LATEST_REQUEST_BYTES);
    pipe.on("data", (chunk: Buffer) => {
      try {
        reader.push(chunk, (_type, payload) => this.ask(payload));
      } catch (error) {
        parts.violated(error as AgentError);
      }
    });
    // It ended; its exit says all there is to say.
    pipe.on("error", () => {});
  }

  dispose(): void {
    if (this.timer) clearTimeout(this.timer);
    this.parts.pipe.destroy();
  }

  private ask(payload: Uint8Array): void {
    // The process stands still until it has its answer: a second question is none of ctx's.
    if (this.waiting || payload.length !== LATEST_REQUEST_BYTES)
      throw new AgentError("frame_invalid", "its process asked for the latest samples in a way that ctx does not");
    const maxAgeMs = new DataView(payload.buffer, payload.byteOffset).getFloat64(0, true);
    const nowMs = performance.now();
    const second = Math.floor(nowMs / 1000);
    if (second !== this.second) this.answered = 0;
    this.second = second;
    if (this.answered++ < ANSWERS_PER_SECOND) return this.answer(maxAgeMs);
    this.waiting = true;
    this.timer = setTimeout(() => this.answer(maxAgeMs), (second + 1) * 1000 - nowMs);
  }

  private answer(maxAgeMs: number): void {
    this.waiting = false;
    const infos: SeriesInfo[] = [];
    const series: number[] = [];
    const timestamps: number[] = [];
    const values: number[] = [];
    this.parts.services.latest(maxAgeMs, (info, value, timestampMs) => {
      const number = this.numbers.get(info) ?? this.tell(info, infos);
      if (number === HIDDEN) return;
      series.push(number);
      timestamps.push(timestampMs);
      values.push(value);
    });
    const answer: LatestAnswer = {
      infos,
      series: Uint32Array.from(series),
      timestamps: Float64Array.from(timestamps),
      values: Float64Array.from(values),
    };
    this.parts.pipe.write(encodeFrame(FRAME_VALUE, serialize(answer)));
  }

  private tell(info: SeriesInfo, infos: SeriesInfo[]): number {
    const number = this.parts.permissions.mayRead(info.name) ? this.told++ : HIDDEN;
    if (number !== HIDDEN) infos.push(info);
    this.numbers.set(info, number);
    return number;
  }
}
