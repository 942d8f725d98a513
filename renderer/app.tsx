import { useSignal, useSignalEffect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { HelpDialog } from "./parts/help.tsx";
import { SearchDialog } from "./parts/search.tsx";
import { SignIn } from "./parts/sign-in.tsx";
import { type Place, places } from "./places/index.ts";
import { edge } from "./state/agent.ts";
import { announcement } from "./state/announce.ts";
import { unauthorised } from "./state/api.ts";
import { followKeys } from "./state/keys.ts";
import { toggleLive } from "./state/range.ts";
import { goTo, place, placeHref } from "./state/router.ts";
import { words } from "./words.ts";

/** The frame around every place: rail or tabs, the place, what floats above it, and what is read aloud. */
export function App() {
  const open = useSignal<"search" | "help" | null>(null);
  const close = (): void => void (open.value = null);
  const main = useRef<HTMLElement>(null);
  const first = useRef(true);

  useEffect(
    () =>
      followKeys({
        search: () => (open.value = "search"),
        help: () => (open.value = "help"),
        toggleLive: () => toggleLive(edge.peek()),
        goTo: (letter) => {
          const found = places.find((one) => one.key === letter);
          if (found) goTo(found.id);
          return found !== undefined;
        },
      }),
    [],
  );

  useSignalEffect(() => {
    const here = places.find((one) => one.id === place.value);
    document.title = words.title(
      here?.title ?? words.notFound.title,
      places.reduce((sum, one) => sum + (one.count?.() ?? 0), 0),
    );
  });

  // In another place the reader starts at its first sentence; on arrival the browser decides.
  useEffect(() => {
    if (!first.current) main.current?.querySelector("h1")?.focus({ preventScroll: true });
    if (!first.current) scrollTo(0, 0);
    first.current = false;
  }, [place.value]);

  if (unauthorised.value) return <SignIn />;
  const Here = places.find((one) => one.id === place.value)?.component ?? NotFound;
  return (
    <>
      <a class="skip" href="#main" onClick={(event) => (event.preventDefault(), main.current?.focus())}>
        {words.skip}
      </a>
      <Rail onSearch={() => (open.value = "search")} onHelp={() => (open.value = "help")} />
      <main id="main" ref={main} tabIndex={-1}>
        <Here />
      </main>
      <Tabs onSearch={() => (open.value = "search")} onHelp={() => (open.value = "help")} />
      {open.value === "search" && <SearchDialog onClose={close} />}
      {open.value === "help" && <HelpDialog onClose={close} />}
      <div class="unseen" aria-live="polite">
        {announcement}
      </div>
    </>
  );
}

interface NavProps {
  readonly onSearch: () => void;
  readonly onHelp: () => void;
}

const groups = [...new Set(places.map((one) => one.group))].map((group) => places.filter((one) => one.group === group));

function Rail({ onSearch, onHelp }: NavProps) {
  return (
    <nav class="rail" aria-label={words.places.label}>
      <div class="mark">{words.mark}</div>
      <button type="button" class="find" onClick={onSearch}>
        {words.places.search} <kbd aria-hidden="true">/</kbd>
      </button>
      {groups.map((group) => (
        <ul key={group[0].id}>
          {group.map((one) => (
            <li key={one.id}>
              <PlaceLink place={one} />
            </li>
          ))}
        </ul>
      ))}
      <p class="foot">
        <button type="button" class="quiet sm" onClick={onHelp}>
          {words.places.keys} <kbd aria-hidden="true">?</kbd>
        </button>
      </p>
    </nav>
  );
}

/** The same places where there is no room for a rail. */
function Tabs({ onSearch, onHelp }: NavProps) {
  return (
    <nav class="tabs" aria-label={words.places.label}>
      {places.map((one) => (
        <PlaceLink key={one.id} place={one} />
      ))}
      <button type="button" onClick={onSearch}>
        {words.places.search}
      </button>
      <button type="button" onClick={onHelp}>
        {words.theme.label}
      </button>
    </nav>
  );
}

function PlaceLink({ place: one }: { place: Place }) {
  const count = one.count?.() ?? 0;
  return (
    <a href={placeHref(one.id)} aria-current={place.value === one.id ? "page" : undefined}>
      {one.title}
      {count > 0 && <span class="q">{count}</span>}
    </a>
  );
}

function NotFound() {
  return (
    <div class="place">
      <h1 tabIndex={-1}>{words.notFound.title}</h1>
      <p>
        {words.notFound.body} <a href={placeHref("now")}>{words.notFound.go}</a>
      </p>
    </div>
  );
}
