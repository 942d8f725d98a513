import type { PluginDetail } from "all-use-agent/sdk";
import { useId, useLayoutEffect, useRef, useState } from "preact/hooks";
import { formatSentence } from "../format.ts";
import { announce } from "../state/announce.ts";
import { pluginWords } from "../words-plugin.ts";
import { act, reasonOf } from "./door.ts";

const { instances: words } = pluginWords;

interface InstancesProps {
  readonly detail: PluginDetail;
  readonly chosen: string;
  readonly onChoose: (instance: string) => void;
  readonly onAdded: (detail: PluginDetail, instance: string) => void;
}

export const instanceName = (instance: string): string => (instance === "default" ? words.default : instance);

/** Which run of the plugin is shown, and how to have another. */
export function Instances({ detail, chosen, onChoose, onAdded }: InstancesProps) {
  const [adding, setAdding] = useState(false);
  const opener = useRef<HTMLButtonElement>(null);
  const several = detail.instances.length > 1 || detail.instances.some(({ instance }) => instance !== "default");
  return (
    <div class="instances">
      {several && (
        <div class="seg" role="group" aria-label={words.label}>
          {detail.instances.map(({ instance }) => (
            <button key={instance} type="button" aria-pressed={instance === chosen} onClick={() => onChoose(instance)}>
              {instanceName(instance)}
            </button>
          ))}
        </div>
      )}
      <button ref={opener} type="button" class="plain" aria-expanded={adding} onClick={() => setAdding(!adding)}>
        {words.add}
      </button>
      {adding && (
        <NewInstance
          detail={detail}
          onAdded={(after, name) => {
            setAdding(false);
            onAdded(after, name);
          }}
          onCancel={() => {
            setAdding(false);
            opener.current?.focus();
          }}
        />
      )}
    </div>
  );
}

interface NewProps {
  readonly detail: PluginDetail;
  readonly onAdded: (detail: PluginDetail, instance: string) => void;
  readonly onCancel: () => void;
}

function NewInstance({ detail, onAdded, onCancel }: NewProps) {
  const id = useId();
  const input = useRef<HTMLInputElement>(null);
  const [name, setName] = useState("");
  const [failed, setFailed] = useState("");
  const [busy, setBusy] = useState(false);
  useLayoutEffect(() => input.current?.focus(), []);

  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (busy || name === "") return;
    setBusy(true);
    try {
      const after = await act(detail.id, { action: "add_instance", instance: name });
      announce(words.added(name));
      onAdded(after, name);
    } catch (error) {
      setFailed(words.notAdded(formatSentence(reasonOf(error))));
      setBusy(false);
      input.current?.focus();
    }
  };

  return (
    <form class="new-instance" onSubmit={(event) => void submit(event)}>
      <label for={id}>{words.name}</label>
      <div class="actions">
        <input
          ref={input}
          id={id}
          type="text"
          class="mono"
          autocomplete="off"
          spellcheck={false}
          maxLength={31}
          aria-describedby={`${id}-h`}
          aria-invalid={failed !== "" || undefined}
          value={name}
          onInput={(event) => setName(event.currentTarget.value.trim())}
          onKeyDown={(event) => event.key === "Escape" && onCancel()}
        />
        <button type="submit" class="primary" disabled={busy || name === ""}>
          {words.create}
        </button>
        <button type="button" onClick={onCancel}>
          {words.cancel}
        </button>
      </div>
      <p class="q sm" id={`${id}-h`}>
        {words.nameHint}. {detail.instances.every(({ instance }) => instance === "default") && words.first}
      </p>
      {failed && (
        <p class="cri" role="alert">
          {failed}
        </p>
      )}
    </form>
  );
}
