import type { ConfigChange, PluginDetail, PluginInstanceReport } from "all-use-agent/sdk";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { Fields } from "../form/control.tsx";
import type { GroupDraft } from "../form/draft.ts";
import { inherit } from "../form/field.ts";
import type { JsonObject } from "../form/json.ts";
import { Problems } from "../form/slot.tsx";
import { useForm } from "../form/use-form.ts";
import { formatSentence } from "../format.ts";
import { Modal } from "../parts/modal.tsx";
import { address, setGate } from "../state/router.ts";
import { pluginWords } from "../words-plugin.ts";
import { checkConfig, reasonOf, saveConfig } from "./door.ts";

const { form: words, leave } = pluginWords;

interface Said {
  readonly text: string;
  readonly tone: "good" | "bad";
  /** Puts the configuration of before back. */
  readonly undo?: ConfigChange;
}

interface FormProps {
  readonly detail: PluginDetail;
  readonly instance: PluginInstanceReport;
  readonly onSaved: (detail: PluginDetail) => void;
}

/** The configuration of one instance. What is wrong with it the agent says, while it is typed and when it is saved. */
export function ConfigForm({ detail, instance, onSaved }: FormProps) {
  const element = useRef<HTMLFormElement>(null);
  const [said, setSaid] = useState<Said | null>(null);
  const [busy, setBusy] = useState(false);
  const focusProblem = useRef(false);
  const named = instance.instance !== "default";
  const state = useForm(
    {
      schema: named
        ? inherit(detail.configSchema as JsonObject, detail.sharedConfig as JsonObject)
        : (detail.configSchema as JsonObject),
      config: instance.config as JsonObject,
      secrets: instance.secrets,
      problems: instance.problems,
    },
    (change, signal) => checkConfig(detail.id, { instance: instance.instance, ...change }, signal),
  );
  const { form, draft, changes, problems } = state;
  const leaving = useLeaveGate(changes);

  useEffect(() => {
    if (!focusProblem.current) return;
    focusProblem.current = false;
    const first = element.current?.querySelector("[data-problem]");
    const control = first?.closest(".control, .group")?.querySelector<HTMLElement>("input, select, textarea, button");
    (control ?? (first as HTMLElement | null | undefined))?.focus();
  });

  const send = async (change: ConfigChange, done: (detail: PluginDetail) => Said): Promise<boolean> => {
    setBusy(true);
    setSaid(null);
    try {
      const result = await saveConfig(detail.id, change);
      if ("problems" in result) {
        state.setProblems(result.problems);
        setSaid({ text: words.refused(result.problems.length), tone: "bad" });
        focusProblem.current = true;
        return false;
      }
      setSaid(done(result.detail));
      onSaved(result.detail);
      state.saved();
      return true;
    } catch (error) {
      setSaid({ text: words.failed(formatSentence(reasonOf(error))), tone: "bad" });
      return false;
    } finally {
      setBusy(false);
    }
  };

  const save = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (busy) return;
    if (state.blocked) {
      setSaid({ text: words.refused(1), tone: "bad" });
      focusProblem.current = true;
      return;
    }
    const { instance: name } = instance;
    const before: ConfigChange = { instance: name, config: instance.config };
    const noSecrets = Object.keys(state.change.secrets ?? {}).length === 0;
    await send({ instance: name, ...state.change }, (after) => {
      const now = after.instances.find((one) => one.instance === name);
      if (now?.report?.state === "failed")
        return { text: words.savedFailed(formatSentence(now.report.reason ?? "")), tone: "bad", undo: before };
      const later = now?.pending ?? null;
      const text = later !== null ? words.savedLater(later) : now?.enabled === false ? words.savedOff : words.saved;
      // A secret is write only: nobody can put the one of before back.
      return noSecrets ? { text, tone: "good", undo: before } : { text, tone: "good" };
    });
  };

  const undo = (change: ConfigChange): void => void send(change, () => ({ text: words.undone, tone: "good" }));

  if (form.fields.length === 0) return <p class="q">{words.none}</p>;
  return (
    <form ref={element} class="config" noValidate aria-label={words.of(detail.title)} onSubmit={(event) => void save(event)}>
      {problems.top.length > 0 && (
        <p class="state critical" tabIndex={-1} data-problem>
          <b class="cri">{words.topProblems}</b> {problems.top.map(formatSentence).join(" ")}
        </p>
      )}
      <Problems.Provider value={problems}>
        <Fields
          field={form}
          draft={draft}
          at={[]}
          onChange={(next) => {
            if (said) setSaid(null);
            state.edit(next as GroupDraft);
          }}
        />
      </Problems.Provider>
      <div class={changes > 0 ? "save dirty" : "save"}>
        <div class="actions">
          <button type="submit" class="primary" disabled={changes === 0 || busy}>
            {busy ? words.saving : words.save(changes)}
          </button>
          {changes > 0 && !busy && (
            <button
              type="button"
              onClick={() => {
                setSaid(null);
                state.discard();
              }}
            >
              {words.discard}
            </button>
          )}
          {changes > 0 && !said && <span class="q sm">{words.consequence}</span>}
        </div>
        <p class={said?.tone === "bad" ? "said cri" : "said"} role="status">
          {said?.text}{" "}
          {said?.undo && (
            <button type="button" class="link" disabled={busy} onClick={() => undo(said.undo!)}>
              {words.undo}
            </button>
          )}
        </p>
      </div>
      {leaving && (
        <Modal title={leave.title} onClose={leaving.stay}>
          <p>{leave.body(changes, detail.title)}</p>
          <div class="actions">
            <button type="button" class="primary" onClick={leaving.stay}>
              {leave.stay}
            </button>
            <button type="button" onClick={leaving.leave}>
              {leave.leave}
            </button>
          </div>
        </Modal>
      )}
    </form>
  );
}

/** Asks before typed values are lost: in the page by a dialog, on closing it by the browser's own. */
function useLeaveGate(changes: number): { readonly stay: () => void; readonly leave: () => void } | null {
  const [held, setHeld] = useState<(() => void) | null>(null);
  // Before the form shows the change: whoever sees it is asked.
  useLayoutEffect(() => {
    if (changes === 0) return undefined;
    const here = address.peek();
    const open = setGate((next, proceed) => {
      if (next.place === here.place && next.params["plugin"] === here.params["plugin"]) return false;
      setHeld(() => () => {
        open();
        proceed();
      });
      return true;
    });
    const warn = (event: BeforeUnloadEvent): void => event.preventDefault();
    addEventListener("beforeunload", warn);
    return () => {
      open();
      removeEventListener("beforeunload", warn);
    };
  }, [changes > 0]);
  if (!held) return null;
  const stay = (): void => setHeld(null);
  return {
    stay,
    leave: () => {
      stay();
      held();
    },
  };
}
