import { splitPermission } from "all-use-agent/sdk";

/** Permissions asked for in vain are the plugin's choice of words: more different ones of a plugin are counted as one. */
const REFUSED_KINDS_MAX = 50;
const OTHERS = "others";

export interface PermissionUse {
  uses: number;
  refusals: number;
  /** Unix ms; null before the first. */
  lastUsedMs: number | null;
  lastRefusedMs: number | null;
}

/** Counts of one plugin and permission since they were last drained. */
export interface DrainedUse {
  readonly id: string;
  readonly permission: string;
  readonly uses: number;
  readonly refusals: number;
}

/** Counts what every plugin uses and is refused, by permission, since the agent's start: over restarts of the plugin, too. */
export class PermissionUses {
  /** Called at a plugin's first use, or first refusal, of a permission: the counts after it wait to be drained. */
  onFirst: ((id: string, permission: string, refused: boolean) => void) | null = null;
  private readonly now: () => number;
  private readonly byPlugin = new Map<string, Map<string, PermissionUse>>();
  private readonly undrained = new Map<string, { id: string; permission: string; uses: number; refusals: number }>();

  constructor(now: () => number = Date.now) {
    this.now = now;
  }

  used(id: string, permission: string): void {
    const use = this.entry(id, permission);
    use.uses++;
    use.lastUsedMs = this.now();
    if (use.uses > 1 || this.onFirst === null) this.pending(id, permission).uses++;
    else this.onFirst(id, permission, false);
  }

  refused(id: string, permission: string): void {
    const all = this.byPlugin.get(id);
    const known = all === undefined || all.has(permission) || all.size < REFUSED_KINDS_MAX;
    const name = known ? permission : OTHERS;
    const use = this.entry(id, name);
    use.refusals++;
    use.lastRefusedMs = this.now();
    if (use.refusals > 1 || this.onFirst === null) this.pending(id, name).refusals++;
    else this.onFirst(id, name, true);
  }

  of(id: string): ReadonlyMap<string, PermissionUse> {
    return this.byPlugin.get(id) ?? new Map<string, PermissionUse>();
  }

  /** What was counted since the last call; `inward` are uses of the agent's own data, the others lead outside. */
  drain(inward: boolean): DrainedUse[] {
    const drained: DrainedUse[] = [];
    for (const [key, use] of this.undrained) {
      // A refusal is never kept waiting.
      if (!inward && isInward(use.permission) && use.refusals === 0) continue;
      this.undrained.delete(key);
      drained.push(use);
    }
    return drained;
  }

  private entry(id: string, permission: string): PermissionUse {
    let all = this.byPlugin.get(id);
    if (!all) this.byPlugin.set(id, (all = new Map<string, PermissionUse>()));
    let use = all.get(permission);
    if (!use) all.set(permission, (use = { uses: 0, refusals: 0, lastUsedMs: null, lastRefusedMs: null }));
    return use;
  }

  private pending(id: string, permission: string): { uses: number; refusals: number } {
    const key = `${id}\n${permission}`;
    let use = this.undrained.get(key);
    if (!use) this.undrained.set(key, (use = { id, permission, uses: 0, refusals: 0 }));
    return use;
  }
}

/** Samples and documents: read and written all the time by whoever may. */
function isInward(permission: string): boolean {
  const name = splitPermission(permission)?.class;
  return name === "metrics:read" || name === "metrics:write" || name === "documents";
}
