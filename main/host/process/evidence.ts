import { type AgentError, errorText, type Logger, type Manifest, type PrivateStore } from "all-use-agent/sdk";

const EVIDENCE_NAME = "crash.json";

export interface EvidenceParts {
  readonly manifest: Manifest;
  readonly store: PrivateStore;
  readonly log: Logger;
}

/** Keeps why a plugin's process ended, for whoever looks later. The one before is replaced. */
export function keepEvidence(parts: EvidenceParts, error: AgentError, nowMs: number, printed: readonly string[]): void {
  const evidence = {
    time: new Date(nowMs).toISOString(),
    version: parts.manifest.version,
    code: error.code,
    reason: error.message,
    printed,
  };
  parts.store
    .write(EVIDENCE_NAME, Buffer.from(`${JSON.stringify(evidence, null, 2)}\n`))
    .catch((reason: unknown) => parts.log.warn(`the evidence of its crash could not be kept: ${errorText(reason)}`));
}
