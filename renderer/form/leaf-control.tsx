import { useState } from "preact/hooks";
import type { ComponentChildren } from "preact";
import { pluginWords } from "../words-plugin.ts";
import { type LeafDraft, reset, typed } from "./draft.ts";
import type {
  ChoiceField,
  JsonField,
  LeafField,
  NumberField,
  PickField,
  QuantityField,
  SwitchField,
  TextField,
} from "./field.ts";
import type { Json } from "./json.ts";
import { sayDefault, sayMeasure, sayQuantity, unitSymbol } from "./say.ts";
import { ControlGroup, ControlRow, type Ids, type SlotProps, useIds } from "./slot.tsx";

const { form: words } = pluginWords;

type Props<F extends LeafField> = SlotProps<F, LeafDraft>;

/** Few enough to be seen at once. */
const RADIO_LIMIT = 4;
/** Beyond it a text gets lines. */
const LINE_CHARS = 36;

export function LeafControl(props: Props<LeafField>) {
  switch (props.field.kind) {
    case "quantity":
      return <QuantityControl {...(props as Props<QuantityField>)} />;
    case "number":
      return <NumberControl {...(props as Props<NumberField>)} />;
    case "switch":
      return <SwitchControl {...(props as Props<SwitchField>)} />;
    case "choice":
      return <ChoiceControl {...(props as Props<ChoiceField>)} />;
    case "pick":
      return <PickControl {...(props as Props<PickField>)} />;
    case "json":
      return <JsonControl {...(props as Props<JsonField>)} />;
    default:
      return <TextControl {...(props as Props<TextField>)} />;
  }
}

/** What every leaf says below it: its default, how to get it back, and what else helps to judge the value. */
function noteOf({ field, draft, onChange, label }: Props<LeafField>, more: readonly (string | null)[] = []): ComponentChildren {
  const parts: ComponentChildren[] = [];
  if (field.fallback !== undefined) {
    const said = sayDefault(field);
    if (said !== null) parts.push(words.default(said));
    else if (!draft.set) parts.push(words.isDefault);
    if (draft.set) {
      parts.push(
        <button
          type="button"
          class="link"
          aria-label={words.resetOf(label ?? field.label)}
          onClick={() => onChange(reset(field, draft))}
        >
          {words.reset}
        </button>,
      );
    }
  }
  parts.push(...more.filter(Boolean));
  return parts.length === 0 ? null : parts.flatMap((part, i) => (i === 0 ? [part] : [" · ", part]));
}

/** What belongs to the one control of a field. */
function controlProps(
  ids: Ids,
  field: LeafField,
): {
  readonly id: string;
  readonly "aria-describedby": string | undefined;
  readonly "aria-invalid": boolean | undefined;
  readonly "aria-required": boolean | undefined;
} {
  return {
    id: ids.id,
    "aria-describedby": ids.describedBy,
    "aria-invalid": ids.problems.length > 0 || undefined,
    "aria-required": field.required || undefined,
  };
}

function TextControl(props: Props<TextField>) {
  const { field, draft, at, label = field.label, onChange } = props;
  // Decided once: a field that changes its kind while it is typed into loses the cursor.
  const [lines] = useState(draft.text.length > LINE_CHARS);
  const note = noteOf(props);
  const ids = useIds(at, { note: note !== null, help: field.help !== null });
  const code = field.format === "path" || field.format === "regex";
  const common = {
    ...controlProps(ids, field),
    class: code ? "mono" : "",
    spellcheck: code ? false : undefined,
    value: draft.text,
    onInput: (event: InputEvent & { currentTarget: { value: string } }) =>
      onChange(typed(field, draft, event.currentTarget.value.replace(/[\r\n]+/g, ""))),
  } as const;
  return (
    <ControlRow ids={ids} label={label} required={field.required} help={field.help} note={note}>
      {lines ? <textarea rows={2} {...common} /> : <input type="text" autocomplete="off" {...common} />}
    </ControlRow>
  );
}

function QuantityControl(props: Props<QuantityField>) {
  const { field, draft, at, label = field.label, onChange } = props;
  const plain = sayMeasure(draft.text, field.measure);
  const note = noteOf(props, [plain ? words.equals(plain) : words.hints[field.measure.format]]);
  const ids = useIds(at, { note: true, help: field.help !== null });
  return (
    <ControlRow ids={ids} label={label} required={field.required} help={field.help} note={note}>
      <input
        type="text"
        class="short"
        autocomplete="off"
        spellcheck={false}
        value={draft.text}
        onInput={(event) => onChange(typed(field, draft, event.currentTarget.value))}
        {...controlProps(ids, field)}
      />
    </ControlRow>
  );
}

function NumberControl(props: Props<NumberField>) {
  const { field, draft, at, label = field.label, onChange } = props;
  const quantity = sayQuantity(draft.text, field.unit);
  const note = noteOf(props, [draft.set && quantity ? words.equals(quantity) : null]);
  const ids = useIds(at, { note: note !== null, help: field.help !== null });
  return (
    <ControlRow ids={ids} label={label} required={field.required} help={field.help} note={note}>
      <span class="measured">
        <input
          type="text"
          class="short n"
          inputMode={field.integer ? "numeric" : "decimal"}
          autocomplete="off"
          value={draft.text}
          onInput={(event) => onChange(typed(field, draft, event.currentTarget.value))}
          {...controlProps(ids, field)}
        />
        {field.unit && <span class="q">{unitSymbol(field.unit)}</span>}
      </span>
    </ControlRow>
  );
}

function SwitchControl(props: Props<SwitchField>) {
  const { field, draft, at, label = field.label, onChange } = props;
  const note = noteOf(props);
  const ids = useIds(at, { note: note !== null, help: field.help !== null });
  return (
    <ControlRow ids={ids} label={label} required={false} help={field.help} note={note}>
      <span class="measured">
        <input
          type="checkbox"
          checked={draft.text === "true"}
          onChange={(event) => onChange(typed(field, draft, String(event.currentTarget.checked)))}
          {...controlProps(ids, field)}
        />
      </span>
    </ControlRow>
  );
}

const optionLabel = (option: Json): string =>
  option === null ? words.notSet : typeof option === "string" ? option || words.empty : JSON.stringify(option);

function ChoiceControl(props: Props<ChoiceField>) {
  const { field, draft, at, label = field.label, onChange } = props;
  const note = noteOf(props);
  const ids = useIds(at, { note: note !== null, help: field.help !== null });
  const choose = (text: string): void => onChange(typed(field, draft, text));
  const options = field.options.map((option) => ({ text: JSON.stringify(option), label: optionLabel(option) }));
  const rows = { ids, label, required: field.required, help: field.help, note };
  if (options.length <= RADIO_LIMIT) {
    return (
      <ControlGroup {...rows}>
        {options.map((option) => (
          <label key={option.text} class="choice">
            <input
              type="radio"
              name={ids.id}
              checked={draft.text === option.text}
              aria-invalid={ids.problems.length > 0 || undefined}
              onChange={() => choose(option.text)}
            />
            {option.label}
          </label>
        ))}
      </ControlGroup>
    );
  }
  const known = options.some(({ text }) => text === draft.text);
  return (
    <ControlRow {...rows}>
      <span class="select">
        <select value={draft.text} onChange={(event) => choose(event.currentTarget.value)} {...controlProps(ids, field)}>
          {/* Nothing chosen yet, or a value that is none of these: shown, not silently replaced. */}
          {!known && <option value={draft.text}>{draft.text === "" ? words.notSet : draft.text}</option>}
          {options.map((option) => (
            <option key={option.text} value={option.text}>
              {option.label}
            </option>
          ))}
        </select>
      </span>
    </ControlRow>
  );
}

function PickControl(props: Props<PickField>) {
  const { field, draft, at, label = field.label, onChange } = props;
  const note = noteOf(props);
  const ids = useIds(at, { note: note !== null, help: field.help !== null });
  const picked = new Set((JSON.parse(draft.text) as readonly Json[]).map((one) => JSON.stringify(one)));
  const toggle = (option: string): void => {
    if (!picked.delete(option)) picked.add(option);
    // In the schema's order: the same choice is the same text.
    const kept = field.options.filter((one) => picked.has(JSON.stringify(one)));
    onChange(typed(field, draft, JSON.stringify(kept)));
  };
  return (
    <ControlGroup ids={ids} label={label} required={field.required} help={field.help} note={note}>
      {field.options.map((option) => {
        const text = JSON.stringify(option);
        return (
          <label key={text} class="choice">
            <input type="checkbox" checked={picked.has(text)} onChange={() => toggle(text)} />
            {optionLabel(option)}
          </label>
        );
      })}
    </ControlGroup>
  );
}

function JsonControl(props: Props<JsonField>) {
  const { field, draft, at, label = field.label, onChange } = props;
  const note = noteOf(props, [words.json]);
  const ids = useIds(at, { note: true, help: field.help !== null });
  return (
    <ControlRow ids={ids} label={label} required={field.required} help={field.help} note={note}>
      <textarea
        class="mono json"
        rows={Math.min(12, Math.max(3, draft.text.split("\n").length))}
        spellcheck={false}
        value={draft.text}
        onInput={(event) => onChange(typed(field, draft, event.currentTarget.value))}
        {...controlProps(ids, field)}
      />
    </ControlRow>
  );
}
