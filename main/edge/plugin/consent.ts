import { createInterface } from "node:readline/promises";
import { AgentError } from "all-use-agent/sdk";
import { UsageError } from "../usage.ts";

export const YES_OPTION = { yes: { type: "boolean", short: "y" } } as const;

/**
 * Asks at the terminal; returns when the answer is yes. Throws `declined`, and UsageError where there is nobody to ask.
 * `command` is what to type again with --yes.
 */
export async function askConsent(question: string, command: string): Promise<void> {
  if (!process.stdin.isTTY || !process.stdout.isTTY)
    throw new UsageError(`Nobody is there to say yes to these permissions: alluse plugin ${command} --yes grants them.`);
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  try {
    const answer = await terminal.question(`${question} [y/N] `);
    if (!/^y(es)?$/i.test(answer.trim())) throw new AgentError("declined", "Nothing was changed.");
  } finally {
    terminal.close();
  }
}
