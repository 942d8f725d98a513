import type { PackagePreview } from "all-use-agent/sdk";
import { useEffect, useRef, useState } from "preact/hooks";
import { formatQuantity, formatSentence } from "../format.ts";
import { Modal } from "../parts/modal.tsx";
import { readPlugins } from "../state/agent.ts";
import { announce } from "../state/announce.ts";
import { pluginWords } from "../words-plugin.ts";
import { Signer } from "./about.tsx";
import { installPackage, previewPackage, reasonOf } from "./door.ts";
import "./plugin.css";

const { install: words } = pluginWords;

export interface InstallProps {
  readonly file: File;
  readonly onInstalled: (id: string) => void;
  readonly onAnother: () => void;
  readonly onClose: () => void;
}

/** Shows what a file holds before anything of it is installed, and installs exactly that. */
export default function Install({ file, onInstalled, onAnother, onClose }: InstallProps) {
  const [preview, setPreview] = useState<PackagePreview | null>(null);
  const [failed, setFailed] = useState("");
  const [busy, setBusy] = useState(false);

  useEffect(() => {
    setPreview(null);
    setFailed("");
    if (!/\.alluse-plugin$/i.test(file.name)) {
      setFailed(words.notPacked(file.name));
      return undefined;
    }
    const abort = new AbortController();
    previewPackage(file, abort.signal).then(setPreview, (error: unknown) => {
      if (!abort.signal.aborted) setFailed(words.failed(formatSentence(reasonOf(error))));
    });
    return () => abort.abort();
  }, [file]);

  const install = async (shown: PackagePreview): Promise<void> => {
    setBusy(true);
    setFailed("");
    try {
      const wanted = shown.permissions.filter(({ change }) => change !== "dropped").map(({ permission }) => permission);
      const detail = await installPackage({ sha256: shown.sha256, permissions: wanted });
      await readPlugins();
      announce(words.done(detail.title));
      onInstalled(detail.id);
    } catch (error) {
      setFailed(words.notInstalled(formatSentence(reasonOf(error))));
      setBusy(false);
    }
  };

  return (
    <Modal title={preview?.title ?? words.title} onClose={onClose}>
      {!preview && !failed && <p role="status">{words.reading}</p>}
      {preview && <Preview preview={preview} />}
      {failed && (
        <p class="cri" role="alert">
          {failed}
        </p>
      )}
      <div class="actions">
        {preview && <InstallButton preview={preview} busy={busy} onInstall={() => void install(preview)} />}
        {failed && (
          <button type="button" onClick={onAnother}>
            {words.another}
          </button>
        )}
        <button type="button" onClick={onClose}>
          {words.cancel}
        </button>
      </div>
    </Modal>
  );
}

function InstallButton({ preview, busy, onInstall }: { preview: PackagePreview; busy: boolean; onInstall: () => void }) {
  const button = useRef<HTMLButtonElement>(null);
  useEffect(() => button.current?.focus(), []);
  const grants = preview.permissions.some(({ change }) => change === "added");
  return (
    <button ref={button} type="button" class="primary" disabled={busy} onClick={onInstall}>
      {busy ? words.installing : grants ? words.grant : words.install}
    </button>
  );
}

function Preview({ preview }: { preview: PackagePreview }) {
  const { replaces, version, permissions, sha256, files, sizeBytes, kind, description } = preview;
  return (
    <>
      <div class="preview">
        <p>
          {formatSentence(words.what(kind, version))}{" "}
          {replaces === null ? words.isNew : replaces === version ? words.same(version) : words.replaces(replaces)}
        </p>
        {description && <p>{description}</p>}
      </div>
      <div>
        <h3>{words.asks}</h3>
        {permissions.length === 0 ? (
          <p>{words.asksNothing}</p>
        ) : (
          <ul class="difference">
            {permissions.map(({ permission, sentence, change }) => (
              <li key={permission} class={change}>
                <span>{formatSentence(sentence)}</span>
                {(replaces !== null || change !== "added") && (
                  <span class={change === "added" ? "att" : "q"}>{words.change[change]}</span>
                )}
              </li>
            ))}
          </ul>
        )}
      </div>
      <div>
        <h3>{words.content}</h3>
        <dl class="about">
          <div>
            <dt class="q">{pluginWords.about.id}</dt>
            <dd class="mono">{preview.id}</dd>
          </div>
          <div>
            <dt class="q">{words.size}</dt>
            <dd>{words.files(files, formatQuantity(sizeBytes, "bytes"))}</dd>
          </div>
          <div>
            <dt class="q">{pluginWords.about.sha256}</dt>
            <dd class="mono">{sha256}</dd>
          </div>
        </dl>
        <Signer signature={preview.signature} />
      </div>
    </>
  );
}
