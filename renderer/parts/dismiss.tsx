import { useSignal } from "@preact/signals";
import type { RecommendationReport } from "all-use-agent/sdk";
import { dismiss } from "../state/agent.ts";
import { announce } from "../state/announce.ts";
import { words } from "../words.ts";
import { Modal } from "./modal.tsx";

/** The door takes 500 characters in all; the longest of the given reasons and this fit in. */
const OWN_MAX = 400;

/** Asks once, with the consequence in words, and for a reason. */
export function DismissDialog({ advice, onClose }: { advice: RecommendationReport; onClose: () => void }) {
  const chosen = useSignal("");
  const own = useSignal("");
  const failed = useSignal("");
  const busy = useSignal(false);

  const reason = [chosen.value, own.value.trim()].filter(Boolean).join(". ");

  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    busy.value = true;
    try {
      await dismiss(advice.id, reason);
      announce(words.dismiss.done);
      onClose();
    } catch (error) {
      failed.value = error instanceof Error ? error.message : String(error);
      busy.value = false;
    }
  };

  return (
    <Modal title={words.dismiss.title} onClose={onClose}>
      <p>
        <b>{advice.title}</b>
      </p>
      <p>{words.dismiss.consequence}</p>
      <form onSubmit={(event) => void submit(event)}>
        <fieldset>
          <legend>{words.dismiss.label}</legend>
          {words.dismiss.reasons.map((given) => (
            <label key={given} class="choice">
              <input
                type="radio"
                name="reason"
                value={given}
                checked={chosen.value === given}
                onChange={() => (chosen.value = given)}
              />
              {given}
            </label>
          ))}
        </fieldset>
        <label class="stacked">
          <span>{words.dismiss.other}</span> <span class="q sm">{words.dismiss.otherHint}</span>
          <textarea rows={2} maxLength={OWN_MAX} value={own.value} onInput={(event) => (own.value = event.currentTarget.value)} />
        </label>
        {failed.value && (
          <p class="cri" role="alert">
            {words.dismiss.failed(failed.value)}
          </p>
        )}
        <div class="actions">
          <button type="submit" class="primary" disabled={busy.value || !reason}>
            {words.dismiss.confirm}
          </button>
          <button type="button" onClick={onClose}>
            {words.dismiss.cancel}
          </button>
        </div>
      </form>
    </Modal>
  );
}
