import { describe, expect, it } from "vitest";
import type { Failure, PluginNote, RunNote, StartFile } from "./start-file.ts";
import { judge, plan } from "./verdict.ts";

const host: PluginNote = { id: "collectors/host", runs: "bundled" };
const bad: PluginNote = { id: "collectors/bad#lan", runs: "inside" };
const tame: PluginNote = { id: "collectors/tame", runs: "process" };
const NOW = 1_000_000;

function run(changes: Partial<RunNote> = {}): RunNote {
  return { startedMs: 1, phase: "ready", starting: [], started: [host], fault: null, ...changes };
}

function failure(...suspects: PluginNote[]): Failure {
  return { startedMs: 1, what: "it died", suspects };
}

const file = (changes: Partial<StartFile>): StartFile => ({ run: run(), failures: [], untraced: 0, ...changes });

describe("a start has failed", () => {
  it.each<[string, RunNote, string | null, PluginNote[]]>([
    ["before it was ready", run({ phase: "starting", starting: [host] }), null, [host]],
    ["before it was ready, between two plugins: the last is suspected", run({ phase: "starting" }), null, [host]],
    ["before it was ready, before any plugin", run({ phase: "starting", started: [] }), null, []],
    ["after ready, while a plugin was being started inside", run({ starting: [tame, bad] }), null, [bad]],
    ["after ready, in a call of one inside", run({ started: [bad, host] }), bad.id, [bad]],
    ["by a plugin's own doing", run({ started: [host, bad], fault: { id: bad.id, what: "it exited" } }), null, [bad]],
    [
      "by an error of nobody, though it was stopped in order then",
      run({ phase: "stopped", started: [bad, host], fault: { id: null, what: "an error" } }),
      null,
      [bad],
    ],
  ])("%s", (_when, note, inCall, suspects) => {
    expect(judge(note, inCall)).toMatchObject({ kind: "failed", suspects });
  });
});

describe("a start has not failed", () => {
  it.each<[string, RunNote | null, string]>([
    ["there was none", null, "well"],
    ["it ran for a minute, whatever came then", run({ phase: "good", started: [bad] }), "well"],
    ["it was stopped", run({ phase: "stopped", starting: [host] }), "well"],
    ["it was killed after ready", run(), "died"],
    ["it was killed after ready, while a plugin was being started in a process", run({ starting: [tame] }), "died"],
    ["it was killed after ready with one inside: not alone", run({ started: [bad] }), "untraced"],
  ])("%s", (_when, note, kind) => {
    expect(judge(note, null).kind).toBe(kind);
  });
});

describe("the next start", () => {
  const failing = run({ starting: [bad] });

  it("is safe after two failures in a row, and leaves out who was suspected both times", () => {
    const first = plan(file({ run: failing }), null, NOW);
    expect(first).toMatchObject({ safe: false, suspects: [] });
    const second = plan(file({ run: failing, failures: first.failures }), null, NOW);
    expect(second.safe).toBe(true);
    expect(second.suspects).toMatchObject([{ id: "collectors/bad", sinceMs: NOW }]);
  });

  it("is safe with the last suspect, when the two were different", () => {
    const other: PluginNote = { id: "collectors/other", runs: "inside" };
    expect(plan(file({ run: failing, failures: [failure(other)] }), null, NOW).suspects).toMatchObject([
      { id: "collectors/bad" },
    ]);
  });

  it("leaves out what came with the agent only when it was suspected both times", () => {
    const died = run({ phase: "starting", starting: [host], started: [] });
    expect(plan(file({ run: died, failures: [failure(bad)] }), null, NOW)).toMatchObject({ safe: true, suspects: [] });
    expect(plan(file({ run: died, failures: [failure(host)] }), null, NOW).suspects).toMatchObject([{ id: "collectors/host" }]);
  });

  it("is an ordinary one after any number of kills while no plugin ran inside", () => {
    let state = file({});
    for (let i = 0; i < 20; i++) {
      const next = plan(state, null, NOW);
      expect(next.safe).toBe(false);
      state = { run: run(), failures: next.failures, untraced: next.untraced };
    }
  });

  it("is safe after five deaths in a row that nothing explains, with a plugin inside", () => {
    let state = file({ run: run({ started: [host, bad] }) });
    for (let i = 1; i < 5; i++) {
      const next = plan(state, null, NOW);
      expect(next.safe).toBe(false);
      state = { ...state, untraced: next.untraced };
    }
    expect(plan(state, null, NOW)).toMatchObject({ safe: true, suspects: [{ id: "collectors/bad" }] });
  });

  it("a kill between two failures does not make them good, a clean stop does", () => {
    const failures = [failure(bad)];
    expect(plan(file({ failures }), null, NOW).failures).toHaveLength(1);
    expect(plan(file({ failures, run: run({ phase: "stopped" }) }), null, NOW).failures).toHaveLength(0);
  });

  it("stays safe while safe starts are killed, and never remembers more than a few failures", () => {
    let state = file({ run: failing });
    for (let i = 0; i < 10; i++) state = { ...state, failures: plan(state, null, NOW).failures };
    expect(state.failures.length).toBeLessThanOrEqual(4);
    expect(plan({ ...state, run: run() }, null, NOW).safe).toBe(true);
  });
});
