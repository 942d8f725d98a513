import type { ComponentChildren } from "preact";
import { formatMoment, formatSentence } from "../format.ts";
import { now, plugins, status } from "../state/agent.ts";
import { baseOf, instanceOf } from "../state/plugin-list.ts";
import { address, formatAddress } from "../state/router.ts";
import { words } from "../words.ts";

/** The agent kept dying at its start and came up with less: what was left out, why, and what to do. */
export function SafeMode() {
  const safeMode = status.value?.safeMode;
  if (!safeMode) return null;
  const { sinceMs, leftOut, suspects, reason } = safeMode;
  const others = leftOut.filter((id) => !suspects.includes(id));
  return (
    <div class="state safe-mode" role="status">
      <p>
        <b class="att">{words.safeMode.title(formatMoment(sinceMs, now.peek()))}</b> {formatSentence(reason)}
      </p>
      {suspects.length > 0 && (
        <p>
          {words.safeMode.suspects} <Names ids={suspects} />
        </p>
      )}
      {others.length > 0 && (
        <p>
          {suspects.length > 0 ? words.safeMode.alsoLeftOut : words.safeMode.leftOut} <Names ids={others} />
        </p>
      )}
    </div>
  );
}

function Names({ ids }: { ids: readonly string[] }) {
  const parts = ids.flatMap((id, i): ComponentChildren[] => [
    i > 0 ? ", " : "",
    <a key={id} href={formatAddress({ place: "plugins", params: { ...address.value.params, plugin: id } })}>
      {nameOf(id)}
    </a>,
  ]);
  return <>{parts}.</>;
}

function nameOf(id: string): string {
  const title = plugins.value?.find((one) => baseOf(one.id) === baseOf(id))?.title ?? id;
  return id.includes("#") ? `${title} ${instanceOf(id)}` : title;
}
