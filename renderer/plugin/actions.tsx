import type { PluginAction, PluginDetail, PluginInstanceReport } from "all-use-agent/sdk";
import { useState } from "preact/hooks";
import { formatSentence } from "../format.ts";
import { Modal } from "../parts/modal.tsx";
import { readPlugins } from "../state/agent.ts";
import { announce } from "../state/announce.ts";
import { openGate } from "../state/router.ts";
import { pluginWords } from "../words-plugin.ts";
import { act, reasonOf } from "./door.ts";

const { actions: words, remove: removeWords } = pluginWords;

interface ActionsProps {
  readonly detail: PluginDetail;
  readonly instance: PluginInstanceReport;
  readonly onDone: (detail: PluginDetail) => void;
  /** The plugin is gone, or only this instance of it. */
  readonly onRemoved: (whole: boolean) => void;
}

interface Said {
  readonly text: string;
  readonly tone: "good" | "bad";
  readonly undo?: "enable" | "disable";
}

/** What can be done with an instance. At once, with an undo, where that is safe; asked once where it is not. */
export function Actions({ detail, instance, onDone, onRemoved }: ActionsProps) {
  const [busy, setBusy] = useState("");
  const [said, setSaid] = useState<Said | null>(null);
  const [asking, setAsking] = useState<"instance" | "plugin" | null>(null);
  const named = instance.instance !== "default";

  const run = async (action: "restart" | "enable" | "disable", undone = false): Promise<void> => {
    setBusy(action);
    setSaid(null);
    try {
      const body: PluginAction = { action, instance: instance.instance };
      onDone(await act(detail.id, body));
      if (undone) setSaid({ text: words.undone, tone: "good" });
      else if (action === "restart") setSaid({ text: words.restarted, tone: "good" });
      else if (action === "disable") setSaid({ text: words.disabled, tone: "good", undo: "enable" });
      else setSaid({ text: words.enabled, tone: "good", undo: "disable" });
    } catch (error) {
      setSaid({ text: words.failed(formatSentence(reasonOf(error))), tone: "bad" });
    }
    setBusy("");
  };

  const label = (action: string, text: string): string => (busy === action ? words.busy : text);
  return (
    <>
      <div class="actions">
        {instance.enabled ? (
          <>
            <button type="button" disabled={busy !== ""} onClick={() => void run("restart")}>
              {label("restart", words.restart)}
            </button>
            <button type="button" disabled={busy !== ""} onClick={() => void run("disable")}>
              {label("disable", words.disable)}
            </button>
          </>
        ) : (
          <button type="button" class="primary" disabled={busy !== ""} onClick={() => void run("enable")}>
            {label("enable", words.enable)}
          </button>
        )}
        {named && (
          <button type="button" class="plain" disabled={busy !== ""} onClick={() => setAsking("instance")}>
            {words.remove}
          </button>
        )}
        {detail.origin === "installed" && (
          <button type="button" class="plain" disabled={busy !== ""} onClick={() => setAsking("plugin")}>
            {named ? words.removeWhole : words.remove}
          </button>
        )}
      </div>
      <p class={said?.tone === "bad" ? "said cri" : "said"} role="status">
        {said?.text}{" "}
        {said?.undo && (
          <button type="button" class="link" onClick={() => void run(said.undo!, true)}>
            {words.undo}
          </button>
        )}
      </p>
      {asking && (
        <RemoveDialog
          detail={detail}
          instance={instance}
          whole={asking === "plugin"}
          onClose={() => setAsking(null)}
          onDone={onDone}
          onRemoved={onRemoved}
        />
      )}
    </>
  );
}

interface RemoveProps extends ActionsProps {
  /** The plugin with all of its instances. */
  readonly whole: boolean;
  readonly onClose: () => void;
}

/** Asks once, with the consequence in words. */
function RemoveDialog({ detail, instance, whole, onDone, onRemoved, onClose }: RemoveProps) {
  const [failed, setFailed] = useState("");
  const [busy, setBusy] = useState(false);
  const name = whole ? detail.title : `${detail.title} ${instance.instance}`;

  const remove = async (): Promise<void> => {
    setBusy(true);
    try {
      const answer = await act(detail.id, whole ? { action: "remove" } : { action: "remove", instance: instance.instance });
      announce(removeWords.done(name));
      // What was typed into its form has nowhere to go any more.
      openGate();
      onClose();
      if (whole) void readPlugins();
      else onDone(answer);
      onRemoved(whole);
    } catch (error) {
      setFailed(removeWords.failed(formatSentence(reasonOf(error))));
      setBusy(false);
    }
  };

  return (
    <Modal title={removeWords.title(name)} onClose={onClose}>
      <p>{whole ? removeWords.plugin(detail.folder) : removeWords.instance(instance.instance)}</p>
      {failed && (
        <p class="cri" role="alert">
          {failed}
        </p>
      )}
      <div class="actions">
        <button type="button" class="primary" disabled={busy} onClick={() => void remove()}>
          {removeWords.confirm}
        </button>
        <button type="button" onClick={onClose}>
          {removeWords.cancel}
        </button>
      </div>
    </Modal>
  );
}
