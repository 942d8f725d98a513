import { formatSentence } from "../format.ts";
import { failures, readAll } from "../state/agent.ts";
import { words } from "../words.ts";

/** What could not be read, what still stands, what to do. Nothing when all was read. */
export function Failures() {
  const failed = Object.entries(failures.value);
  if (failed.length === 0) return null;
  return (
    <div class="state" role="status">
      <p>
        <b class="att">{words.problems.title}</b> {words.problems.rest}
      </p>
      <ul>
        {failed.map(([name, why]) => (
          <li key={name}>{formatSentence(`${words.problems.parts[name] ?? name}: ${why}`)}</li>
        ))}
      </ul>
      <button type="button" onClick={() => void readAll()}>
        {words.problems.again}
      </button>
    </div>
  );
}
