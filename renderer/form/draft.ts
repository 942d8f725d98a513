/** What the operator has typed so far, and the values it stands for. Pure; a draft is never changed, a new one is made. */
import type { Field, GroupField, LeafField, ListField } from "./field.ts";
import { isObject, type Json, type JsonObject, sameJson } from "./json.ts";

/** A text that stands for a value: of choices, picks and JSON the value's JSON, of switches `true` and `false`. */
export interface LeafDraft {
  readonly kind: "leaf";
  readonly text: string;
  /** Goes into the configuration; otherwise its default holds. */
  readonly set: boolean;
  /** Was set before: typing the default again does not take it out. */
  readonly pinned: boolean;
}

export interface SecretDraft {
  readonly kind: "secret";
  /** The agent holds a value. */
  readonly known: boolean;
  readonly change: "keep" | "replace" | "forget";
  readonly text: string;
}

export interface ListDraft {
  readonly kind: "list";
  readonly set: boolean;
  readonly pinned: boolean;
  readonly rows: readonly { readonly key: number; readonly draft: Draft }[];
}

export interface GroupDraft {
  readonly kind: "group";
  readonly pinned: boolean;
  readonly parts: Readonly<Record<string, Draft>>;
}

export type Draft = LeafDraft | SecretDraft | ListDraft | GroupDraft;

let rowKey = 0;

/** A draft that says what `value` says. `secrets` names those that have a value. */
export function draftOf(field: Field, value: Json | undefined, secrets: readonly string[] = []): Draft {
  const pinned = value !== undefined;
  switch (field.kind) {
    case "secret":
      return { kind: "secret", known: secrets.includes(field.name), change: "keep", text: "" };
    case "group": {
      const values = isObject(value) ? value : {};
      const parts = field.fields.map((one) => [one.name, draftOf(one, values[one.name], secrets)] as const);
      return { kind: "group", pinned, parts: Object.fromEntries(parts) };
    }
    case "list": {
      const shown = pinned ? value : field.fallback;
      const rows = Array.isArray(shown) ? (shown as readonly Json[]) : [];
      return { kind: "list", set: pinned, pinned, rows: rows.map((one) => ({ key: ++rowKey, draft: draftOf(field.item, one) })) };
    }
    default:
      return { kind: "leaf", text: textOf(field, pinned ? value : field.fallback), set: pinned, pinned };
  }
}

/** A new row of a list; its text is set from the start, an empty one included. */
export function addRow(field: ListField, draft: ListDraft): ListDraft {
  const fresh = draftOf(field.item, undefined);
  const row = fresh.kind === "leaf" ? { ...fresh, set: true } : fresh;
  return { ...draft, set: true, rows: [...draft.rows, { key: ++rowKey, draft: row }] };
}

export function removeRow(draft: ListDraft, key: number): ListDraft {
  return { ...draft, set: true, rows: draft.rows.filter((row) => row.key !== key) };
}

export function changeRow(draft: ListDraft, key: number, change: Draft): ListDraft {
  return { ...draft, set: true, rows: draft.rows.map((row) => (row.key === key ? { ...row, draft: change } : row)) };
}

export function changePart(draft: GroupDraft, name: string, change: Draft): GroupDraft {
  return { ...draft, parts: { ...draft.parts, [name]: change } };
}

/** What was typed. The default typed again is not set, unless it was before. */
export function typed(field: LeafField, draft: LeafDraft, text: string): LeafDraft {
  if (text === "" && field.fallback === undefined) return { ...draft, text, set: false };
  const isDefault = text === textOf(field, field.fallback);
  return { ...draft, text, set: draft.pinned || !isDefault };
}

/** Its default holds again. */
export function reset(field: LeafField | ListField): Draft {
  return { ...(draftOf(field, undefined) as LeafDraft | ListDraft), pinned: false };
}

function textOf(field: LeafField, value: Json | undefined): string {
  if (field.kind === "json") return value === undefined ? "" : JSON.stringify(value, null, 2);
  if (field.kind === "pick") return JSON.stringify(value ?? []);
  if (field.kind === "switch") return value === undefined ? "false" : plain(value);
  if (value === undefined) return "";
  return field.kind === "choice" ? JSON.stringify(value) : plain(value);
}

const plain = (value: Json): string => (typeof value === "string" ? value : JSON.stringify(value));

/** The value a draft stands for; undefined when it sets nothing. What is no number goes as it was typed, for the agent to refuse. */
export function valueOf(field: Field, draft: Draft): Json | undefined {
  if (field.kind === "secret") return undefined;
  if (field.kind === "group") return groupValue(field, draft as GroupDraft);
  if (field.kind === "list") {
    const { set, rows } = draft as ListDraft;
    return set ? rows.map((row) => valueOf(field.item, row.draft) ?? (field.item.kind === "group" ? {} : "")) : undefined;
  }
  const { set, text } = draft as LeafDraft;
  return set ? leafValue(field, text) : undefined;
}

function groupValue(field: GroupField, draft: GroupDraft): JsonObject | undefined {
  const values = field.fields
    .map((one) => [one.name, valueOf(one, draft.parts[one.name])] as const)
    .filter((entry): entry is readonly [string, Json] => entry[1] !== undefined);
  if (draft.pinned) return Object.fromEntries(values);
  // Written in part, the default of the whole would be gone.
  if (values.length > 0 && isObject(field.fallback)) return { ...field.fallback, ...Object.fromEntries(values) };
  return values.length > 0 || (field.required && field.fallback === undefined) ? Object.fromEntries(values) : undefined;
}

function leafValue(field: LeafField, text: string): Json | undefined {
  switch (field.kind) {
    case "text":
      return field.orNumber ? numberOr(text) : text;
    case "number":
      return text.trim() === "" ? undefined : numberOr(text);
    case "switch":
      return text === "true";
    default:
      if (text.trim() === "") return undefined;
      try {
        return JSON.parse(text) as Json;
      } catch {
        return text;
      }
  }
}

function numberOr(text: string): Json {
  const trimmed = text.trim();
  return /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(trimmed) ? Number(trimmed) : text;
}

/** Secrets to set or forget, by name. */
export function secretsOf(field: Field, draft: Draft): Readonly<Record<string, string | null>> {
  if (field.kind === "secret") {
    const { change, text } = draft as SecretDraft;
    if (change === "forget") return { [field.name]: null };
    return change === "replace" && text !== "" ? { [field.name]: text } : {};
  }
  if (field.kind !== "group") return {};
  const { parts } = draft as GroupDraft;
  return Object.assign({}, ...field.fields.map((one) => secretsOf(one, parts[one.name]))) as Record<string, string | null>;
}

/** How many of the form's own properties a draft would change. */
export function countChanges(form: GroupField, draft: GroupDraft, saved: JsonObject): number {
  return form.fields.filter((field) => {
    if (Object.keys(secretsOf(field, draft.parts[field.name])).length > 0) return true;
    return !sameJson(valueOf(field, draft.parts[field.name]), saved[field.name]);
  }).length;
}

/** Where JSON fields hold no JSON: only these cannot be sent for the agent to judge. */
export function unreadable(
  field: Field,
  draft: Draft,
  at: readonly (string | number)[] = [],
): readonly (readonly (string | number)[])[] {
  if (field.kind === "group")
    return field.fields.flatMap((one) => unreadable(one, (draft as GroupDraft).parts[one.name], [...at, one.name]));
  if (field.kind === "list") return (draft as ListDraft).rows.flatMap((row, i) => unreadable(field.item, row.draft, [...at, i]));
  if (field.kind !== "json" || !(draft as LeafDraft).set || (draft as LeafDraft).text.trim() === "") return [];
  try {
    JSON.parse((draft as LeafDraft).text);
    return [];
  } catch {
    return [at];
  }
}
