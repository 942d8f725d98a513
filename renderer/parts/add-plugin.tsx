import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { InstallProps } from "../plugin/install.tsx";
import { words } from "../words.ts";
import { lazy } from "./lazy.tsx";

const Install = lazy<InstallProps>(() => import("../plugin/install.tsx"));

/** A packed plugin by the button, or dropped anywhere on the place: first it is shown, then installed. */
export function AddPlugin({ onInstalled }: { onInstalled: (id: string) => void }) {
  const file = useSignal<File | null>(null);
  const over = useSignal(false);
  const input = useRef<HTMLInputElement>(null);
  const choose = (): void => input.current?.click();

  useEffect(() => {
    const holdsFiles = (event: DragEvent): boolean => event.dataTransfer?.types.includes("Files") ?? false;
    const onOver = (event: DragEvent): void => {
      if (!holdsFiles(event)) return;
      // Without this the browser would open the file in the page's place.
      event.preventDefault();
      over.value = true;
    };
    const onLeave = (event: DragEvent): void => {
      if (event.relatedTarget === null) over.value = false;
    };
    const onDrop = (event: DragEvent): void => {
      if (!holdsFiles(event)) return;
      event.preventDefault();
      over.value = false;
      file.value = event.dataTransfer?.files[0] ?? null;
    };
    addEventListener("dragover", onOver);
    addEventListener("dragleave", onLeave);
    addEventListener("drop", onDrop);
    return () => {
      removeEventListener("dragover", onOver);
      removeEventListener("dragleave", onLeave);
      removeEventListener("drop", onDrop);
    };
  }, []);

  return (
    <>
      <button type="button" onClick={choose}>
        {words.plugins.add}
      </button>
      <input
        ref={input}
        type="file"
        hidden
        accept=".alluse-plugin"
        aria-label={words.plugins.addFile}
        onChange={({ currentTarget }) => {
          file.value = currentTarget.files?.[0] ?? null;
          // The same file chosen again is a choice too.
          currentTarget.value = "";
        }}
      />
      {over.value && (
        <div class="drop">
          <p>
            <b>{words.plugins.drop}</b> {words.plugins.dropHint}
          </p>
        </div>
      )}
      {file.value && (
        <Install
          file={file.value}
          onInstalled={(id) => {
            file.value = null;
            onInstalled(id);
          }}
          onAnother={choose}
          onClose={() => (file.value = null)}
        />
      )}
    </>
  );
}
