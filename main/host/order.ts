import { AgentError, type Manifest } from "all-use-agent/sdk";

/** What others stand on comes first; collectors come last, when everything that takes their samples is there. */
const KIND_RANK: Record<Manifest["kind"], number> = {
  storage: 0,
  processor: 1,
  analytics: 2,
  model: 3,
  recommender: 4,
  exporter: 5,
  collector: 6,
};

interface Startable {
  readonly manifest: Manifest;
}

/**
 * Start order: by kind, then `order`, then id, each after everything it requires. Those in a circle of requirements are
 * handed to `reject`; a requirement that nobody provides is found when its turn comes, since a provider may fail too.
 */
export function startOrder<T extends Startable>(
  candidates: readonly T[],
  reject: (candidate: T, error: AgentError) => void,
): T[] {
  const waiting = [...candidates].sort(compare);
  const ordered: T[] = [];
  while (waiting.length > 0) {
    const index = waiting.findIndex(
      (candidate) => !waiting.some((other) => other !== candidate && requires(candidate.manifest, other.manifest)),
    );
    if (index >= 0) {
      ordered.push(...waiting.splice(index, 1));
      continue;
    }
    const circle = waiting.map(({ manifest }) => manifest.id).join(", ");
    for (const candidate of waiting.splice(0))
      reject(candidate, new AgentError("requirement_circular", `these plugins need each other in a circle: ${circle}`));
  }
  return ordered;
}

function requires(manifest: Manifest, other: Manifest): boolean {
  return manifest.requires?.some((name) => other.id === name || other.provides?.includes(name)) ?? false;
}

function compare(a: Startable, b: Startable): number {
  return (
    KIND_RANK[a.manifest.kind] - KIND_RANK[b.manifest.kind] ||
    (a.manifest.order ?? 500) - (b.manifest.order ?? 500) ||
    (a.manifest.id === b.manifest.id ? 0 : a.manifest.id < b.manifest.id ? -1 : 1)
  );
}
