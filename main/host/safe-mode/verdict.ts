import type { Failure, PluginNote, RunNote, StartFile, Suspect } from "./start-file.ts";

/** So many failed starts in a row bring safe mode. */
const FAILURES_MAX = 2;
/** So many deaths in a row of which nothing is known, too: by then chance is no explanation. */
const UNTRACED_MAX = 5;
/** Of more failures in a row than these nobody learns anything new. */
const KEPT_FAILURES = 4;

type Verdict =
  | { readonly kind: "well" }
  /** It died, but nothing says that its start had failed: kill −9, the system's memory killer, a power cut. */
  | { readonly kind: "died" }
  | { readonly kind: "untraced" }
  | { readonly kind: "failed"; readonly what: string; readonly suspects: readonly PluginNote[] };

/**
 * Whether the start before failed. A start is good when the agent has run for a minute or was stopped in good order. It failed
 * when the agent died before it was ready, or in its first minute by a plugin's doing: while one that runs inside the agent was
 * being started or was in a call (`inCall`), or when its code was seen to end the process. Any other death after `ready` counts
 * for nothing, since it looks like an operator's kill −9; only five in a row with a plugin inside the agent do.
 */
export function judge(run: RunNote | null, inCall: string | null): Verdict {
  if (run === null) return { kind: "well" };
  const all = [...run.starting, ...run.started];
  if (run.fault !== null) {
    const { id, what } = run.fault;
    const culprit = all.find((note) => note.id === id);
    return { kind: "failed", what, suspects: culprit ? [culprit] : likely(run) };
  }
  if (run.phase === "good" || run.phase === "stopped") return { kind: "well" };
  const caller = all.find((note) => note.id === inCall);
  if (caller) return { kind: "failed", what: `the agent died while ${caller.id} was running in it`, suspects: [caller] };
  const inside = run.starting.filter(({ runs }) => runs === "inside");
  if (inside.length > 0)
    return { kind: "failed", what: `the agent died while ${names(inside)} was being started in it`, suspects: inside };
  if (run.phase === "starting") {
    const suspects = likely(run);
    const when = run.starting.length > 0 ? `while ${names(run.starting)} was being started` : "before it was ready";
    return { kind: "failed", what: `the agent died ${when}`, suspects };
  }
  return { kind: all.some(({ runs }) => runs === "inside") ? "untraced" : "died" };
}

/** Those being started; else the one that was started last, those inside the agent first. */
function likely({ starting, started }: RunNote): readonly PluginNote[] {
  if (starting.length > 0) return starting;
  const last = started.findLast(({ runs }) => runs === "inside") ?? started.at(-1);
  return last ? [last] : [];
}

export interface Plan {
  readonly safe: boolean;
  readonly failures: readonly Failure[];
  readonly untraced: number;
  /** Those to be left out from now on until they are forgiven. */
  readonly suspects: readonly (Suspect & { readonly id: string })[];
}

/** What the next start is to be like, by what the ones before left. */
export function plan(file: StartFile, inCall: string | null, nowMs: number): Plan {
  const { run } = file;
  const verdict = judge(run, inCall);
  if (verdict.kind === "well") return { safe: false, failures: [], untraced: 0, suspects: [] };
  let { failures, untraced } = file;
  if (verdict.kind === "failed") {
    const { what, suspects } = verdict;
    failures = [...failures, { startedMs: run?.startedMs ?? nowMs, what, suspects }].slice(-KEPT_FAILURES);
    untraced = 0;
  } else if (verdict.kind === "untraced") untraced++;
  if (failures.length >= FAILURES_MAX)
    return { safe: true, failures, untraced, suspects: toLeaveOut(failures).map((one) => ({ ...one, sinceMs: nowMs })) };
  if (untraced >= UNTRACED_MAX) {
    const what = `the agent died ${untraced} times in a row within a minute of its start`;
    const inside = [...(run?.starting ?? []), ...(run?.started ?? [])].filter(({ runs }) => runs === "inside");
    return { safe: true, failures, untraced, suspects: inside.map(({ id }) => ({ id: pluginOf(id), what, sinceMs: nowMs })) };
  }
  return { safe: false, failures, untraced, suspects: [] };
}

/** Those suspected in both of the last two failures, else of the last; what came with the agent only for both. */
function toLeaveOut(failures: readonly Failure[]): { id: string; what: string }[] {
  const [before, last] = failures.slice(-2);
  const both = last.suspects.filter(({ id }) => before.suspects.some((other) => other.id === id));
  const chosen = both.length > 0 ? both : last.suspects.filter(({ runs }) => runs !== "bundled");
  return chosen.map(({ id }) => ({ id: pluginOf(id), what: last.what }));
}

/** The plugin of an instance: `collectors/ping#lan` is one of `collectors/ping`. */
function pluginOf(id: string): string {
  return id.split("#", 1)[0];
}

function names(notes: readonly PluginNote[]): string {
  return notes.map(({ id }) => id).join(", ");
}
