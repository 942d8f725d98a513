import { AgentError, type Batch, type SeriesId } from "all-use-agent/sdk";

/** Set in the number of a series that is the processor's own; without it a number is the agent's. */
export const OWN_SERIES = 0x8000_0000;
/** A series that the process never heard of. */
export const NO_SERIES = 0xffff_ffff;

/** Checks what a processor in its process made of a batch: it may drop rows, change them, or put its own series in their place. */
export class ProcessedCheck {
  private readonly ownSeries: (local: number) => SeriesId | undefined;
  /** By series: the last check whose batch held it. */
  private seen = new Uint32Array(1024);
  private checks = 0;

  constructor(ownSeries: (local: number) => SeriesId | undefined) {
    this.ownSeries = ownSeries;
  }

  /** Returns the answer under the agent's numbers. Throws `answer_invalid` for the whole of it. */
  check(sent: Batch, answer: Batch, latestMs: number): Batch {
    if (answer.length > sent.length)
      throw invalid(`${answer.length} rows for a batch of ${sent.length}: it can be shortened, not made longer`);
    this.checks++;
    for (let i = 0; i < sent.length; i++) this.note(sent.series[i]);
    for (let i = 0; i < answer.length; i++) {
      answer.series[i] = this.allowed(answer.series[i]);
      const timestampMs = answer.timestamps[i];
      if (!(timestampMs >= 0 && timestampMs <= latestMs)) throw invalid(`a sample at ${timestampMs}, which is no time`);
      answer.timestamps[i] = Math.round(timestampMs);
    }
    return answer;
  }

  private note(id: SeriesId): void {
    if (id >= this.seen.length) {
      const grown = new Uint32Array(Math.max(id + 1, this.seen.length * 2));
      grown.set(this.seen);
      this.seen = grown;
    }
    this.seen[id] = this.checks;
  }

  private allowed(id: number): SeriesId {
    if (id < OWN_SERIES) {
      if (this.seen[id] === this.checks) return id;
      throw invalid("a sample of a series that was not in the batch");
    }
    const own = this.ownSeries(id - OWN_SERIES);
    if (own === undefined) throw invalid("a sample of a series that it got neither in the batch nor from ctx.series()");
    return own;
  }
}

/** Copies a row within a batch, bit by bit: a NaN's bits say what it means. */
export function moveRow(batch: Batch, from: number, to: number): void {
  if (from === to) return;
  batch.series[to] = batch.series[from];
  batch.timestamps[to] = batch.timestamps[from];
  batch.values.copyWithin(to, from, from + 1);
}

function invalid(what: string): AgentError {
  return new AgentError("answer_invalid", `its process() left ${what}; the batch went on unprocessed`);
}
