import { type ComponentChildren, createContext } from "preact";
import { useContext, useId } from "preact/hooks";
import { formatSentence } from "../format.ts";
import { pluginWords } from "../words-plugin.ts";
import type { Draft } from "./draft.ts";
import type { Field } from "./field.ts";
import { pointerOf } from "./json.ts";
import { NO_PROBLEMS, type PlacedProblems } from "./problem.ts";

const { form: words } = pluginWords;

/** What every control gets: its field, what was typed, and where in the configuration it stands. */
export interface SlotProps<F extends Field, D extends Draft> {
  readonly field: F;
  readonly draft: D;
  readonly at: readonly (string | number)[];
  /** In place of the field's own: of a row of a list. */
  readonly label?: string;
  readonly onChange: (draft: Draft) => void;
}

/** What the agent finds wrong with the whole form as it is. */
export const Problems = createContext<PlacedProblems>(NO_PROBLEMS);

export interface Ids {
  readonly id: string;
  readonly problems: readonly string[];
  /** For `aria-describedby`: problems first, then the note, then the help. */
  readonly describedBy: string | undefined;
}

export function useIds(at: readonly (string | number)[], has: { readonly note: boolean; readonly help: boolean }): Ids {
  const id = useId();
  const problems = useContext(Problems).at.get(pointerOf(at)) ?? [];
  const parts = [problems.length > 0 && `${id}-p`, has.note && `${id}-n`, has.help && `${id}-h`].filter(Boolean);
  return { id, problems, describedBy: parts.length > 0 ? parts.join(" ") : undefined };
}

interface RowProps {
  readonly ids: Ids;
  readonly label: string;
  readonly required: boolean;
  readonly help: string | null;
  readonly note?: ComponentChildren;
  readonly children: ComponentChildren;
}

/** One control with its label, what is wrong with it, its note and its help. */
export function ControlRow({ ids, label, required, help, note, children }: RowProps) {
  return (
    <div class="field">
      <label for={ids.id}>
        {label} {required && <span class="q sm">{words.required}</span>}
      </label>
      <div class="control">
        {children}
        <Below ids={ids} help={help} note={note} />
      </div>
    </div>
  );
}

/** The same for several controls that belong together; `wide` ones take the whole width and are explained first. */
export function ControlGroup({ ids, label, required, help, note, children, wide }: RowProps & { readonly wide?: boolean }) {
  return (
    <fieldset class={wide ? "field wide-field" : "field"} aria-describedby={ids.describedBy}>
      <legend>
        {label} {required && <span class="q sm">{words.required}</span>}
      </legend>
      <div class="control">
        {!wide && children}
        <Below ids={ids} help={help} note={note} />
        {wide && children}
      </div>
    </fieldset>
  );
}

export function Below({ ids, help, note }: Pick<RowProps, "ids" | "help" | "note">) {
  return (
    <>
      {ids.problems.length > 0 && (
        <p id={`${ids.id}-p`} class="cri sm" data-problem>
          {ids.problems.map(formatSentence).join(" ")}
        </p>
      )}
      {note && (
        <p id={`${ids.id}-n`} class="q sm note">
          {note}
        </p>
      )}
      {help && (
        <p id={`${ids.id}-h`} class="q sm">
          {/* Descriptions mark what is to be taken literally as Markdown does. */}
          {help.split("`").map((part, i) => (i % 2 === 1 ? <code class="mono">{part}</code> : part))}
        </p>
      )}
    </>
  );
}
