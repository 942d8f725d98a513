import type { PermissionReport, PluginDetail } from "all-use-agent/sdk";
import { useState } from "preact/hooks";
import { formatMoment, formatFull, formatNumber, formatSentence } from "../format.ts";
import { now } from "../state/agent.ts";
import { announce } from "../state/announce.ts";
import { pluginWords } from "../words-plugin.ts";
import { act, reasonOf } from "./door.ts";

const { permissions: words } = pluginWords;

interface PermissionsProps {
  readonly detail: PluginDetail;
  readonly onDone: (detail: PluginDetail) => void;
}

/** What it may do, what it did of that, what nobody here can stop it from. */
export function Permissions({ detail, onDone }: PermissionsProps) {
  const { permissions, limits } = detail;
  return (
    <>
      {detail.isolation === "core" && permissions.length > 0 && <p class="q">{words.core}</p>}
      <Waiting detail={detail} onDone={onDone} />
      {permissions.length === 0 ? (
        <p class="q">{words.none}</p>
      ) : (
        <table class="permissions">
          <thead>
            <tr>
              <th scope="col">{words.heads.permission}</th>
              <th scope="col" class="n">
                {words.heads.uses}
              </th>
              <th scope="col" class="n">
                {words.heads.last}
              </th>
            </tr>
          </thead>
          <tbody>
            {permissions.map((one) => (
              <Row key={one.permission} one={one} />
            ))}
          </tbody>
        </table>
      )}
      {limits.length > 0 && (
        <>
          <h4>{words.limits}</h4>
          <ul class="limits q">
            {limits.map((limit) => (
              <li key={limit}>{formatSentence(limit)}</li>
            ))}
          </ul>
        </>
      )}
    </>
  );
}

const ended = (text: string): string => text.replace(/\.?$/, ".");

function Row({ one }: { one: PermissionReport }) {
  const nowMs = now.peek();
  return (
    <tr>
      <td>
        <span title={one.permission}>{formatSentence(one.sentence)}</span>
        {!one.granted && <b class="att"> {words.waiting}</b>}
        {one.limit !== null && <span class="q sm limit">{words.notEnforced(ended(one.limit))}</span>}
      </td>
      <td class="n" title={one.uses === null ? words.uncountedHint : undefined}>
        {one.uses === null ? <span class="q">{words.uncounted}</span> : formatNumber(one.uses)}
      </td>
      <td class="n q" title={one.lastUsedMs === null ? undefined : formatFull(one.lastUsedMs)}>
        {one.lastUsedMs === null ? (one.uses === null ? "" : words.never) : formatMoment(one.lastUsedMs, nowMs)}
      </td>
    </tr>
  );
}

/** The difference alone: what is new, and one button for it. */
function Waiting({ detail, onDone }: PermissionsProps) {
  const [failed, setFailed] = useState("");
  const [busy, setBusy] = useState(false);
  const waiting = detail.permissions.filter(({ granted }) => !granted);
  if (waiting.length === 0) return null;
  const held = detail.permissions.length - waiting.length;

  const grant = async (): Promise<void> => {
    setBusy(true);
    setFailed("");
    try {
      onDone(await act(detail.id, { action: "grant", permissions: detail.permissions.map(({ permission }) => permission) }));
      announce(words.granted);
    } catch (error) {
      setFailed(words.failed(formatSentence(reasonOf(error))));
    }
    setBusy(false);
  };

  return (
    <div class="state waiting">
      <p>
        <b class="att">{held > 0 ? words.asks(waiting.length) : words.asksFirst(waiting.length)}</b>{" "}
        {held > 0 && words.keeps(held)}
      </p>
      <ul>
        {waiting.map((one) => (
          <li key={one.permission}>{formatSentence(one.sentence)}</li>
        ))}
      </ul>
      {failed && (
        <p class="cri" role="alert">
          {failed}
        </p>
      )}
      <button type="button" class="primary" disabled={busy} onClick={() => void grant()}>
        {words.grant(waiting.length)}
      </button>
    </div>
  );
}
