/** What became of one request: counted while it is read, told in the answer. */
export class Outcome {
  samples = 0;
  histograms = 0;
  exemplars = 0;
  series = 0;
  refusedSamples = 0;
  refusedHistograms = 0;
  /** The first refusal, in words; empty while there is none. */
  reason = "";
  /** Another try, later, may do. */
  retry = false;

  refuse(reason: string): void {
    if (this.reason === "") this.reason = reason;
  }

  get refused(): number {
    return this.refusedSamples + this.refusedHistograms;
  }
}
