import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { words } from "../words.ts";

/** A part of the page that is fetched when it is first shown; then it is there at once. */
export function lazy<P extends object>(load: () => Promise<{ readonly default: ComponentType<P> }>): ComponentType<P> {
  let loaded: ComponentType<P> | null = null;
  return function Lazy(props: P) {
    const [, redraw] = useState(0);
    const [failed, setFailed] = useState(false);
    const fetch = (): void => {
      setFailed(false);
      load().then(
        (module) => {
          loaded = module.default;
          redraw(1);
        },
        () => setFailed(true),
      );
    };
    useEffect(() => {
      if (!loaded) fetch();
    }, []);
    if (loaded) {
      const Part = loaded;
      return <Part {...props} />;
    }
    if (!failed) return <p class="q">{words.part.loading}</p>;
    return (
      <div class="state" role="status">
        <p>{words.part.failed}</p>
        <button type="button" onClick={fetch}>
          {words.problems.again}
        </button>
      </div>
    );
  };
}
