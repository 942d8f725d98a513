import type { PluginDetail, SignatureReport } from "all-use-agent/sdk";
import { pluginWords } from "../words-plugin.ts";

const { about: words } = pluginWords;

/** Where its content lies, what it is exactly, and who vouches for it. */
export function About({ detail }: { detail: PluginDetail }) {
  return (
    <>
      <dl class="about">
        <Fact name={words.id} value={detail.id} mono />
        <Fact name={words.version} value={`${detail.version}, ${words.stabilities[detail.stability] ?? detail.stability}`} />
        <Fact name={words.folder} value={detail.folder} mono />
        {detail.sha256 !== null && <Fact name={words.sha256} value={detail.sha256} mono />}
      </dl>
      {detail.origin === "bundled" ? <p class="q">{words.bundled}</p> : <Signer signature={detail.signature} />}
    </>
  );
}

function Fact({ name, value, mono }: { name: string; value: string; mono?: boolean }) {
  return (
    <div>
      <dt class="q">{name}</dt>
      <dd class={mono ? "mono" : ""}>{value}</dd>
    </div>
  );
}

/** Who vouches for it, and what that is worth. */
export function Signer({ signature }: { signature: SignatureReport | null }) {
  const trusted = signature?.trustedAs ?? null;
  const who = signature === null ? words.unsigned : trusted === null ? words.unknownKey : words.trustedAs(trusted);
  return (
    <dl class="about">
      <div>
        <dt class="q">{words.signer}</dt>
        <dd>
          {trusted === null ? <b class="att">{who}</b> : who}
          {signature && <span class="mono sm q key">{signature.key}</span>}
          {trusted === null && <span class="q sm key">{signature === null ? words.unsignedHint : words.unknownKeyHint}</span>}
        </dd>
      </div>
    </dl>
  );
}
