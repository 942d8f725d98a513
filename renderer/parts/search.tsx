import { useSignal } from "@preact/signals";
import { useEffect, useId, useRef } from "preact/hooks";
import { panels } from "../state/agent.ts";
import { setRange, SPANS } from "../state/range.ts";
import { goTo } from "../state/router.ts";
import { setTheme, THEMES } from "../state/theme.ts";
import { places } from "../places/index.ts";
import { words } from "../words.ts";
import { Modal } from "./modal.tsx";

export interface Hit {
  readonly id: string;
  readonly name: string;
  readonly kind: string;
  readonly go: () => void;
}

/** Every word of the query begins a word of the name, or lies within it. */
export function matches(name: string, query: string): boolean {
  const text = name.toLowerCase();
  return query
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}

/** A chart's place, then the chart itself once it is there. */
function goToChart(panel: string, place: string): void {
  goTo(place);
  const show = (): void => {
    const chart = document.querySelector<HTMLElement>(`[data-panel="${CSS.escape(panel)}"] .plot`);
    chart?.scrollIntoView({ block: "center" });
    chart?.focus();
  };
  // After the address has been followed and the place drawn.
  setTimeout(show, 60);
}

function allHits(): readonly Hit[] {
  return [
    ...places.map((place) => ({
      id: `place ${place.id}`,
      name: place.title,
      kind: words.search.place,
      go: () => goTo(place.id),
    })),
    ...(panels.value ?? []).map((panel) => ({
      id: `panel ${panel.panel}`,
      name: panel.title,
      kind: words.search.chart,
      go: () => goToChart(panel.panel, panel.place === "agent" ? "plugins" : "now"),
    })),
    ...Object.keys(SPANS).map((word) => ({
      id: `span ${word}`,
      name: words.range.last[word],
      kind: words.search.time,
      go: () => setRange({ kind: "last", spanMs: SPANS[word] }),
    })),
    { id: "theme", name: words.theme.system, kind: words.search.look, go: () => setTheme(null) },
    ...THEMES.map((theme) => ({
      id: `theme ${theme}`,
      name: words.theme[theme],
      kind: words.search.look,
      go: () => setTheme(theme),
    })),
  ];
}

/** Finds places, charts, times and looks by name. */
export function SearchDialog({ onClose }: { onClose: () => void }) {
  const id = useId();
  const query = useSignal("");
  const at = useSignal(0);
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => input.current?.focus(), []);
  const hits = allHits().filter((hit) => matches(hit.name, query.value));
  const current = Math.min(at.value, hits.length - 1);

  const choose = (hit: Hit | undefined): void => {
    if (!hit) return;
    onClose();
    hit.go();
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      at.value = (current + (event.key === "ArrowDown" ? 1 : -1) + hits.length) % Math.max(1, hits.length);
      document.getElementById(`${id}-${hits[at.value]?.id}`)?.scrollIntoView({ block: "nearest" });
    } else if (event.key === "Enter") {
      event.preventDefault();
      choose(hits[current]);
    }
  };

  return (
    <Modal title={words.search.title} bare onClose={onClose}>
      <input
        ref={input}
        type="text"
        class="find"
        role="combobox"
        aria-expanded="true"
        aria-controls={`${id}-l`}
        aria-activedescendant={hits[current] ? `${id}-${hits[current].id}` : undefined}
        aria-label={words.search.title}
        placeholder={words.search.placeholder}
        autocomplete="off"
        spellcheck={false}
        value={query.value}
        onInput={(event) => {
          query.value = event.currentTarget.value;
          at.value = 0;
        }}
        onKeyDown={onKeyDown}
      />
      <ul id={`${id}-l`} class="hits" role="listbox" aria-label={words.search.results(hits.length)}>
        {hits.map((hit, i) => (
          <li
            key={hit.id}
            id={`${id}-${hit.id}`}
            role="option"
            aria-selected={i === current}
            onClick={() => choose(hit)}
            onPointerMove={() => (at.value = i)}
          >
            {hit.name} <span class="q sm">{hit.kind}</span>
          </li>
        ))}
      </ul>
      {hits.length === 0 && <p class="q none">{words.search.none}</p>}
    </Modal>
  );
}
