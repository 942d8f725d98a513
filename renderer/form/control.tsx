import { useLayoutEffect, useRef } from "preact/hooks";
import { announce } from "../state/announce.ts";
import { pluginWords } from "../words-plugin.ts";
import {
  addRow,
  changePart,
  changeRow,
  type Draft,
  type GroupDraft,
  type LeafDraft,
  type ListDraft,
  removeRow,
  reset,
  type SecretDraft,
} from "./draft.ts";
import { type Field, type GroupField, holdsSecret, type LeafField, type ListField, type SecretField } from "./field.ts";
import { LeafControl } from "./leaf-control.tsx";
import { sayDefault } from "./say.ts";
import { Below, ControlGroup, ControlRow, type SlotProps, useIds } from "./slot.tsx";

const { form: words } = pluginWords;

export function Control(props: SlotProps<Field, Draft>) {
  switch (props.field.kind) {
    case "group":
      return <GroupControl {...(props as SlotProps<GroupField, GroupDraft>)} />;
    case "list":
      return <ListControl {...(props as SlotProps<ListField, ListDraft>)} />;
    case "secret":
      return <SecretControl {...(props as SlotProps<SecretField, SecretDraft>)} />;
    default:
      return <LeafControl {...(props as SlotProps<LeafField, LeafDraft>)} />;
  }
}

/** The fields of an object, without a frame of its own. */
export function Fields({ field, draft, at, onChange }: SlotProps<GroupField, GroupDraft>) {
  return (
    <>
      {field.fields.map((one) => (
        <Control
          key={one.name}
          field={one}
          draft={draft.parts[one.name]}
          at={[...at, one.name]}
          onChange={(change) => onChange(changePart(draft, one.name, change))}
        />
      ))}
    </>
  );
}

function GroupControl(props: SlotProps<GroupField, GroupDraft>) {
  const { field, at, label = field.label } = props;
  const ids = useIds(at, { note: false, help: field.help !== null });
  return (
    <fieldset class="group" aria-describedby={ids.describedBy}>
      <legend>{label}</legend>
      <Below ids={ids} help={field.help} note={null} />
      <Fields {...props} />
    </fieldset>
  );
}

function ListControl({ field, draft, at, label = field.label, onChange }: SlotProps<ListField, ListDraft>) {
  const ids = useIds(at, { note: field.fallback !== undefined, help: field.help !== null });
  const box = useRef<HTMLDivElement>(null);
  const focusNext = useRef<number | "add" | null>(null);

  // Before the next key can come, the focus goes along: into a new row, and to what stands there after one was removed.
  useLayoutEffect(() => {
    const target = focusNext.current;
    focusNext.current = null;
    if (target === null || !box.current) return;
    const rows = box.current.querySelectorAll<HTMLElement>(":scope > .list-row");
    const control = target === "add" ? null : rows[target]?.querySelector<HTMLElement>("input, select, textarea");
    (control ?? box.current.querySelector<HTMLElement>(":scope > .add"))?.focus();
  });

  const add = (): void => {
    focusNext.current = draft.rows.length;
    onChange(addRow(field, draft, at.join(".")));
  };
  const remove = (index: number): void => {
    focusNext.current = draft.rows.length > 1 ? Math.min(index, draft.rows.length - 2) : "add";
    announce(words.removeRowOf(label, index + 1));
    onChange(removeRow(draft, draft.rows[index].key));
  };
  const said = sayDefault(field);
  const note = field.fallback !== undefined && (
    <>
      {said === null ? words.isDefault : words.default(said)}
      {draft.set && (
        <>
          {" · "}
          <button
            type="button"
            class="link"
            aria-label={words.resetOf(label)}
            onClick={() => onChange(reset(field, draft, at.join(".")))}
          >
            {words.reset}
          </button>
        </>
      )}
    </>
  );
  const objects = field.item.kind === "group";
  // Secrets belong to the place of their row: were one in the middle taken out, those below would get each other's.
  const onlyLast = holdsSecret(field.item);
  return (
    <ControlGroup ids={ids} label={label} required={field.required} help={field.help} note={note} wide={objects}>
      <div ref={box} class="rows">
        {draft.rows.map((row, i) => (
          <div key={row.key} class={objects ? "list-row object-row" : "list-row"}>
            <Control
              field={field.item}
              draft={row.draft}
              at={[...at, i]}
              label={words.row(label, i + 1)}
              onChange={(change) => onChange(changeRow(draft, row.key, change))}
            />
            {(!onlyLast || i === draft.rows.length - 1) && (
              <button type="button" class="plain" aria-label={words.removeRowOf(label, i + 1)} onClick={() => remove(i)}>
                {words.removeRow}
              </button>
            )}
          </div>
        ))}
        {draft.rows.length === 0 && <p class="q">{words.noRows}</p>}
        <button type="button" class="add" aria-label={words.addOf(label)} onClick={add}>
          {words.add}
        </button>
      </div>
    </ControlGroup>
  );
}

/** Write only: the page never has the value, and an empty field changes nothing. */
function SecretControl({ field, draft, at, label = field.label, onChange }: SlotProps<SecretField, SecretDraft>) {
  const ids = useIds(at, { note: true, help: field.help !== null });
  const input = useRef<HTMLInputElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const before = useRef(draft.change);
  const typing = draft.change === "replace" || !draft.known;

  // What was pressed goes away: the focus goes to what came in its place.
  useLayoutEffect(() => {
    if (before.current !== draft.change && draft.known) (typing ? input.current : button.current)?.focus();
    before.current = draft.change;
  }, [draft.change]);

  const change = (to: SecretDraft["change"], text = ""): void => onChange({ ...draft, change: to, text });
  const secret = words.secret;
  const state = draft.change === "forget" ? secret.willForget : draft.known ? secret.set : secret.notSet;
  const common = { "aria-describedby": ids.describedBy };
  if (typing) {
    return (
      <ControlRow ids={ids} label={label} required={field.required} help={field.help} note={state}>
        <span class="measured">
          <input
            ref={input}
            id={ids.id}
            type="password"
            autocomplete="new-password"
            aria-label={draft.known ? secret.new(label) : undefined}
            aria-invalid={ids.problems.length > 0 || undefined}
            aria-required={field.required || undefined}
            value={draft.text}
            onInput={({ currentTarget: { value } }) => change(draft.known || value ? "replace" : "keep", value)}
            {...common}
          />
          {draft.known && (
            <button type="button" class="plain" aria-label={secret.keepOf(label)} onClick={() => change("keep")}>
              {secret.keep}
            </button>
          )}
        </span>
      </ControlRow>
    );
  }
  return (
    <ControlGroup ids={ids} label={label} required={field.required} help={field.help} note={state}>
      <span class="measured">
        {draft.change === "forget" ? (
          <button ref={button} type="button" aria-label={secret.keepOf(label)} onClick={() => change("keep")} {...common}>
            {secret.keep}
          </button>
        ) : (
          <>
            <button ref={button} type="button" aria-label={secret.replaceOf(label)} onClick={() => change("replace")} {...common}>
              {secret.replace}
            </button>
            <button type="button" class="plain" aria-label={secret.forgetOf(label)} onClick={() => change("forget")} {...common}>
              {secret.forget}
            </button>
          </>
        )}
      </span>
    </ControlGroup>
  );
}
