import type { Socket } from "node:net";
import { AgentError, type Batch, type Processor } from "all-use-agent/sdk";
import { encodeMessage, encodeProcessed } from "./frames.ts";
import { errorParts } from "./messages.ts";
import type { RuntimeContext } from "./runtime-context.ts";

/** What may wait to be read by the agent. It does not wait for an answer for long, so there is no use in more. */
const WAITING_MAX_BYTES = 2 * 1024 * 1024;

export interface ProcessorCall {
  readonly plugin: Processor | null;
  readonly context: RuntimeContext | null;
  readonly data: Socket;
  readonly seq: number;
  readonly batch: Batch;
}

/** Runs a processor on one batch and answers with what it left, or with what it threw. */
export function processBatch({ plugin, context, data, seq, batch }: ProcessorCall): void {
  if (!plugin || !context) return;
  const local = context.localBatch(batch);
  if (seq === 0) {
    context.fault(() => plugin.process(local));
    if (local.length !== batch.length)
      context.status("degraded", `it shortens batches without "mutates": true in its plugin.json: all samples go on`);
    return;
  }
  try {
    // What it does later is its own affair, but not what it throws then.
    const pending: unknown = plugin.process(local);
    if (pending instanceof Promise) context.fault(() => pending);
    if (!(local.length >= 0 && local.length <= batch.length))
      throw new AgentError(
        "answer_invalid",
        `its process() left ${local.length} rows of ${batch.length}: a batch is never made longer`,
      );
    for (let i = 0; i < local.length; i++) local.series[i] = context.agentSeries(local.series[i]);
    if (data.writableLength <= WAITING_MAX_BYTES) data.write(encodeProcessed(seq, local));
  } catch (error) {
    data.write(encodeMessage({ t: "unprocessed", seq, error: errorParts(error) }));
  }
}
