import type { ComponentChildren } from "preact";
import { placeHref } from "../state/router.ts";
import type { Truth } from "../state/truth.ts";

/** The page's first sentence and what it rests on; `children` are the controls at its end. */
export function TruthLine({ truth, children }: { truth: Truth; children?: ComponentChildren }) {
  return (
    <header class="top">
      <div>
        <h1 tabIndex={-1}>{truth.sentence}</h1>
        <p class="facts">
          {truth.facts.map(({ text, tone, place }) => (
            <span key={text.replace(/[\d.,]+/g, "")} class={tone === "attention" ? "att" : ""}>
              {place ? <a href={placeHref(place)}>{text}</a> : text}
            </span>
          ))}
        </p>
      </div>
      {children}
    </header>
  );
}
