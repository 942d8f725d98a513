import { AgentError, errorText, type PluginContext, type RouteResponse } from "all-use-agent/sdk";
import { answerOf, refusalOf } from "./answer.ts";
import { type BodyLimits, type BodyReader } from "./body-reader.ts";
import { BodyV1 } from "./body-v1.ts";
import { BodyV2 } from "./body-v2.ts";
import type { Families } from "./families.ts";
import { Outcome } from "./outcome.ts";
import type { Registrar } from "./series-book.ts";
import { SnappyDecoder } from "./snappy.ts";
import { TickSink } from "./tick-sink.ts";

export type WriteVersion = 1 | 2;

export interface ReceiverLimits extends BodyLimits {
  /** Of a body, decompressed. */
  readonly maxBodyBytes: number;
}

/** Takes bodies into the pipeline. One at a time: between taking a body up and having handed it on nothing is awaited. */
export class Receiver {
  private readonly ctx: PluginContext;
  private readonly limits: ReceiverLimits;
  private readonly snappy = new SnappyDecoder();
  private readonly sink = new TickSink();
  private readonly registrar: Registrar;
  private readonly families: Families;
  private readonly readers: { 1?: BodyReader; 2?: BodyReader } = {};

  constructor(ctx: PluginContext, limits: ReceiverLimits, families: Families) {
    this.ctx = ctx;
    this.limits = limits;
    this.families = families;
    this.registrar = {
      register: ({ name, labels }, info) => ctx.series(name, labels, info),
      info: (id) => ctx.seriesInfo(id),
    };
  }

  /** Answers when what could be taken is durable. Never rejects. */
  async take(body: Uint8Array, version: WriteVersion): Promise<RouteResponse> {
    const outcome = new Outcome();
    try {
      this.hand(body, version, outcome);
    } catch (error) {
      return refusalOf(error, version);
    }
    try {
      await this.ctx.flush();
    } catch (error) {
      return refusalOf(new AgentError("write_unavailable", `Nothing of it is safe yet: ${errorText(error)}`), version);
    }
    return answerOf(outcome, version);
  }

  private hand(body: Uint8Array, version: WriteVersion, outcome: Outcome): void {
    const { sink, snappy, ctx } = this;
    try {
      const plain = snappy.decode(body, this.limits.maxBodyBytes);
      sink.begin();
      this.reader(version).read(plain, sink, outcome);
      const refused = sink.emit((batch) => ctx.emit(batch));
      if (refused > 0) {
        outcome.refusedSamples += refused;
        outcome.refuse("their times are older than what is kept, or more than ten minutes ahead");
      }
    } finally {
      snappy.trim();
    }
  }

  private reader(version: WriteVersion): BodyReader {
    const { limits, registrar, families } = this;
    if (version === 1) return (this.readers[1] ??= new BodyV1(limits, registrar, families));
    return (this.readers[2] ??= new BodyV2(limits, registrar, families));
  }
}
