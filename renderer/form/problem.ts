/** Which of the agent's problems stands at which field. Pure. */
import type { ConfigProblem } from "all-use-agent/sdk";
import type { Draft, GroupDraft, ListDraft } from "./draft.ts";
import type { Field, GroupField } from "./field.ts";
import { partsOf, pointerOf } from "./json.ts";

export interface PlacedProblems {
  /** Of no field: said above the form. */
  readonly top: readonly string[];
  /** By the JSON pointer of the field. */
  readonly at: ReadonlyMap<string, readonly string[]>;
}

export const NO_PROBLEMS: PlacedProblems = { top: [], at: new Map() };

/** Each problem at the innermost field that its pointer leads to; one deeper than the fields says where. */
export function placeProblems(form: GroupField, draft: GroupDraft, problems: readonly ConfigProblem[]): PlacedProblems {
  const top: string[] = [];
  const at = new Map<string, string[]>();
  for (const { where, message } of problems) {
    const parts = partsOf(where);
    const { field, depth } = follow(form, draft, parts);
    const place = parts.slice(0, depth);
    const rest = parts.slice(depth);
    const missing = field.kind === "group" && rest.length === 0 ? missingChild(field, message) : null;
    if (missing !== null) place.push(missing);
    if (place.length === 0) top.push(rest.length > 0 ? `${rest.join("/")}: ${message}` : message);
    else {
      const pointer = pointerOf(place);
      at.set(pointer, [...(at.get(pointer) ?? []), rest.length > 0 ? `${rest.join("/")}: ${message}` : message]);
    }
  }
  return { top, at };
}

/** How many parts of a pointer lead along fields, and to which. */
function follow(form: GroupField, whole: Draft, parts: readonly string[]): { field: Field; depth: number } {
  let field: Field = form;
  let draft: Draft = whole;
  let depth = 0;
  for (const part of parts) {
    let next: Field | undefined;
    let nextDraft: Draft | undefined;
    if (field.kind === "group") {
      next = field.fields.find((one) => one.name === part);
      nextDraft = (draft as GroupDraft).parts[part];
    } else if (field.kind === "list") {
      next = field.item;
      nextDraft = (draft as ListDraft).rows[Number(part)]?.draft;
    }
    if (!next || !nextDraft) break;
    field = next;
    draft = nextDraft;
    depth++;
  }
  return { field, depth };
}

/** An object says of its own that a property is missing; the empty field is where to mend it. */
function missingChild(group: GroupField, message: string): string | null {
  const named = /^"([^"]+)"(, "[^"]+")* (is|are) missing/.exec(message)?.[1];
  return named !== undefined && group.fields.some(({ name }) => name === named) ? named : null;
}
