/** What the operator has typed so far, and the values it stands for. Pure; a draft is never changed, a new one is made. */
import type { Field, GroupField, LeafField, ListField } from "./field.ts";
import { measureText } from "./measure.ts";
import { isObject, type Json, type JsonObject, sameJson } from "./json.ts";

/** A text that stands for a value: of choices, picks and JSON the value's JSON, of switches `true` and `false`. */
export interface LeafDraft {
  readonly kind: "leaf";
  readonly text: string;
  /** Goes into the configuration; otherwise its default holds. */
  readonly set: boolean;
  /** What was set before: the same text is the same value, and typing the default again does not take it out. */
  readonly origin: Json | undefined;
}

export interface SecretDraft {
  readonly kind: "secret";
  /** Its place in the configuration, by dots: `auth.password`, `targets.0.token`. */
  readonly name: string;
  /** The agent holds a value. */
  readonly known: boolean;
  readonly change: "keep" | "replace" | "forget";
  readonly text: string;
}

export interface ListDraft {
  readonly kind: "list";
  readonly set: boolean;
  readonly pinned: boolean;
  /** Names of secrets of rows that were removed. */
  readonly forgotten: readonly string[];
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
export function draftOf(field: Field, value: Json | undefined, secrets: readonly string[] = [], at = ""): Draft {
  const pinned = value !== undefined;
  switch (field.kind) {
    case "secret":
      return { kind: "secret", name: at, known: secrets.includes(at), change: "keep", text: "" };
    case "group": {
      const values = isObject(value) ? value : {};
      const parts = field.fields.map((one) => [one.name, draftOf(one, values[one.name], secrets, inside(at, one.name))] as const);
      return { kind: "group", pinned, parts: Object.fromEntries(parts) };
    }
    case "list": {
      const shown = pinned ? value : field.fallback;
      const rows = Array.isArray(shown) ? (shown as readonly Json[]) : [];
      const drafts = rows.map((one, i) => ({ key: ++rowKey, draft: draftOf(field.item, one, secrets, inside(at, i)) }));
      return { kind: "list", set: pinned, pinned, forgotten: [], rows: drafts };
    }
    default:
      return { kind: "leaf", text: textOf(field, pinned ? value : field.fallback), set: pinned, origin: value };
  }
}

const inside = (at: string, name: string | number): string => (at === "" ? String(name) : `${at}.${name}`);

/** A new row of a list; its text is set from the start, an empty one included. */
export function addRow(field: ListField, draft: ListDraft, at = ""): ListDraft {
  const fresh = draftOf(field.item, undefined, [], inside(at, draft.rows.length));
  const row = fresh.kind === "leaf" ? { ...fresh, set: true } : fresh;
  return { ...draft, set: true, rows: [...draft.rows, { key: ++rowKey, draft: row }] };
}

export function removeRow(draft: ListDraft, key: number): ListDraft {
  const gone = draft.rows.filter((row) => row.key === key).flatMap((row) => knownSecrets(row.draft));
  const rows = draft.rows.filter((row) => row.key !== key);
  return { ...draft, set: true, forgotten: [...draft.forgotten, ...gone], rows };
}

function knownSecrets(draft: Draft): readonly string[] {
  if (draft.kind === "secret") return draft.known ? [draft.name] : [];
  if (draft.kind === "group") return Object.values(draft.parts).flatMap(knownSecrets);
  return draft.kind === "list" ? draft.rows.flatMap((row) => knownSecrets(row.draft)) : [];
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
  return { ...draft, text, set: draft.origin !== undefined || !isDefault };
}

/** Its default holds again. `at` is its place by dots. */
export function reset(field: LeafField | ListField, before: Draft, at = ""): Draft {
  const after = draftOf(field, undefined, [], at);
  if (after.kind !== "list" || before.kind !== "list") return after;
  return { ...after, forgotten: [...before.forgotten, ...knownSecrets(before)] };
}

function textOf(field: LeafField, value: Json | undefined): string {
  if (field.kind === "json") return value === undefined ? "" : JSON.stringify(value, null, 2);
  if (field.kind === "pick") return JSON.stringify(value ?? []);
  if (field.kind === "switch") return value === undefined ? "false" : plain(value);
  if (value === undefined) return "";
  if (field.kind === "quantity" && typeof value === "number") return measureText(field.measure, value);
  return field.kind === "choice" ? JSON.stringify(value) : plain(value);
}

const plain = (value: Json): string => (typeof value === "string" ? value : JSON.stringify(value));

/** The value a draft stands for; undefined when it sets nothing. What is no number goes as it was typed, for the agent to refuse. */
export function valueOf(field: Field, draft: Draft): Json | undefined {
  if (field.kind === "secret") return undefined;
  if (field.kind === "group") return groupValue(field, draft as GroupDraft);
  if (field.kind === "list") {
    const { set, rows } = draft as ListDraft;
    // A secret of a list has its place in it, and no value here.
    const none = field.item.kind === "group" ? {} : "";
    return set ? rows.map((row) => valueOf(field.item, row.draft) ?? none) : undefined;
  }
  const { set, text, origin } = draft as LeafDraft;
  if (!set) return undefined;
  return origin !== undefined && text === textOf(field, origin) ? origin : leafValue(field, text);
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
      return text;
    case "quantity":
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
    const { name, change, text } = draft as SecretDraft;
    if (change === "forget") return { [name]: null };
    return change === "replace" && text !== "" ? { [name]: text } : {};
  }
  if (field.kind === "list") {
    const { forgotten, rows } = draft as ListDraft;
    const gone = Object.fromEntries(forgotten.map((name) => [name, null]));
    return Object.assign(gone, ...rows.map((row) => secretsOf(field.item, row.draft))) as Record<string, string | null>;
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
