import { type AgentError, errorText, type Logger, type Manifest, type PrivateStore } from "all-use-agent/sdk";
import type { Hide } from "../config/redact.ts";

const EVIDENCE_NAME = "crash.json";

export interface EvidenceParts {
  readonly manifest: Manifest;
  readonly store: PrivateStore;
  readonly log: Logger;
}

/** Keeps why a plugin's process ended, for whoever looks later, without its secrets. The one before is replaced. */
export function keepEvidence(
  parts: EvidenceParts,
  error: AgentError,
  nowMs: number,
  printed: readonly string[],
  hide: Hide | null,
): void {
  const hidden = hide ?? ((text: string) => text);
  const evidence = {
    time: new Date(nowMs).toISOString(),
    version: parts.manifest.version,
    code: error.code,
    reason: hidden(error.message),
    printed: printed.map(hidden),
  };
  parts.store
    .write(EVIDENCE_NAME, Buffer.from(`${JSON.stringify(evidence, null, 2)}\n`))
    .catch((reason: unknown) => parts.log.warn(`the evidence of its crash could not be kept: ${errorText(reason)}`));
}
