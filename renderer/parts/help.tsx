import { status } from "../state/agent.ts";
import { setTheme, theme, type Theme, THEMES } from "../state/theme.ts";
import { words } from "../words.ts";
import { Modal } from "./modal.tsx";

/** The keys, and how the page looks. */
export function HelpDialog({ onClose }: { onClose: () => void }) {
  const looks: readonly (Theme | null)[] = [null, ...THEMES];
  return (
    <Modal title={words.help.title} onClose={onClose}>
      <table class="keys">
        <tbody>
          {words.help.keys.map(([key, does]) => (
            <tr key={key}>
              <th scope="row">{key.split(" ").map((part, i) => part && <kbd key={i}>{part}</kbd>)}</th>
              <td>{does}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <p class="q">{words.help.pointer}</p>
      <fieldset class="looks">
        <legend>{words.theme.label}</legend>
        <div class="seg">
          {looks.map((look) => (
            <button key={look ?? "system"} type="button" aria-pressed={theme.value === look} onClick={() => setTheme(look)}>
              {words.theme[look ?? "system"]}
            </button>
          ))}
        </div>
      </fieldset>
      <div class="actions">
        <button type="button" onClick={onClose}>
          {words.help.close}
        </button>
        {status.value && <span class="q sm">{words.help.version(status.value.version)}</span>}
      </div>
    </Modal>
  );
}
