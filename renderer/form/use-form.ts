import type { ConfigChange, ConfigProblem } from "all-use-agent/sdk";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { formatSentence } from "../format.ts";
import { announce } from "../state/announce.ts";
import { pluginWords } from "../words-plugin.ts";
import { countChanges, type Draft, draftOf, type GroupDraft, type LeafDraft, secretsOf, unreadable, valueOf } from "./draft.ts";
import { type GroupField, formOf } from "./field.ts";
import { type JsonObject, pointerOf } from "./json.ts";
import { type PlacedProblems, placeProblems } from "./problem.ts";

/** As long nobody types, the agent is asked what it thinks of it. */
const CHECK_AFTER_MS = 400;

/** What an instance has, as the agent said it. */
export interface Source {
  readonly schema: JsonObject;
  readonly config: JsonObject;
  readonly secrets: readonly string[];
  readonly problems: readonly ConfigProblem[];
}

interface Basis {
  readonly key: string;
  readonly form: GroupField;
  readonly config: JsonObject;
  readonly draft: GroupDraft;
}

export interface FormState {
  readonly form: GroupField;
  readonly draft: GroupDraft;
  readonly changes: number;
  readonly problems: PlacedProblems;
  /** What would be sent. */
  readonly change: Pick<ConfigChange, "config" | "secrets">;
  /** JSON that is none: nothing can be sent before it is mended. */
  readonly blocked: boolean;
  readonly edit: (draft: GroupDraft) => void;
  readonly discard: () => void;
  readonly setProblems: (problems: readonly ConfigProblem[]) => void;
  /** What was typed is saved: the form begins anew with what the agent says next. */
  readonly saved: () => void;
}

/** A draft of an instance's configuration. What the agent says anew is taken over while nothing is typed. */
export function useForm(
  source: Source,
  check: (change: Pick<ConfigChange, "config" | "secrets">, signal: AbortSignal) => Promise<readonly ConfigProblem[]>,
): FormState {
  const key = JSON.stringify([source.schema, source.config, source.secrets]);
  const basisOf = (): Basis => {
    const form = formOf(source.schema, source.config);
    return { key, form, config: source.config, draft: draftOf(form, source.config, source.secrets) as GroupDraft };
  };
  const [basis, setBasis] = useState(basisOf);
  const [draft, setDraft] = useState(basis.draft);
  const [problems, setProblems] = useState(source.problems);
  const changes = countChanges(basis.form, draft, basis.config);
  const edited = useRef(false);

  const restart = (): void => {
    const next = basisOf();
    setBasis(next);
    setDraft(next.draft);
    setProblems(source.problems);
  };
  const adopt = useRef(false);
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    if (!adopt.current && (key === basis.key || changes > 0)) return;
    adopt.current = false;
    edited.current = false;
    restart();
  }, [key, turn]);

  const change = useMemo(
    () => ({ config: valueOf(basis.form, draft) as JsonObject, secrets: secretsOf(basis.form, draft) }),
    [basis, draft],
  );
  const broken = useMemo(() => unreadable(basis.form, draft), [basis, draft]);

  useEffect(() => {
    if (!edited.current || broken.length > 0) return undefined;
    const abort = new AbortController();
    const timer = setTimeout(() => {
      const known = new Set(problems.map(({ message }) => message));
      check(change, abort.signal).then(
        (found) => {
          if (abort.signal.aborted) return;
          setProblems(found);
          const fresh = found.find(({ message }) => !known.has(message));
          if (fresh) announce(formatSentence(fresh.message));
        },
        // Saving says what is the matter with the agent; typing goes on.
        () => undefined,
      );
    }, CHECK_AFTER_MS);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [draft]);

  const own = broken.map((at) => ({ where: pointerOf(at), message: brokenText(draft, at) }));
  const ownPlaces = new Set(own.map(({ where }) => where));
  return {
    form: basis.form,
    draft,
    changes,
    problems: placeProblems(basis.form, draft, [...own, ...problems.filter(({ where }) => !ownPlaces.has(where))]),
    change,
    blocked: broken.length > 0,
    edit: (next) => {
      edited.current = true;
      setDraft(next);
    },
    discard: () => {
      edited.current = false;
      restart();
    },
    setProblems,
    saved: () => {
      adopt.current = true;
      setTurn(turn + 1);
    },
  };
}

/** Why the text at this place is not JSON. */
function brokenText(draft: GroupDraft, at: readonly (string | number)[]): string {
  let here: Draft = draft;
  for (const part of at) {
    if (here.kind === "list") here = here.rows[Number(part)].draft;
    else if (here.kind === "group") here = here.parts[part];
  }
  try {
    JSON.parse((here as LeafDraft).text);
    return "";
  } catch (error) {
    return pluginWords.form.notJson(error instanceof Error ? error.message : String(error));
  }
}
