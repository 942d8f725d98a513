import { unauthorised } from "../state/api.ts";
import { words } from "../words.ts";

/** The door wants a token that this browser does not have. */
export function SignIn() {
  return (
    <main class="alone">
      <h1>{words.signIn.title}</h1>
      <p>{words.signIn.body}</p>
      <p>
        <code class="mono">{words.signIn.command}</code>
      </p>
      <p class="q">{words.signIn.after}</p>
      <div class="actions">
        <button
          type="button"
          onClick={() => {
            unauthorised.value = false;
            location.reload();
          }}
        >
          {words.signIn.again}
        </button>
      </div>
    </main>
  );
}
