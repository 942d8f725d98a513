import { AgentError } from "all-use-agent/sdk";

const INPUT_MAX_CHARACTERS = 16_384;
const CONTROL_C = "\u0003";
const CONTROL_D = "\u0004";
const ERASE = new Set(["\u007f", "\b"]);

/** What is typed, without showing it, up to the end of the line; of a pipe all of it, without its last end of line. */
export async function readHidden(prompt: string): Promise<string> {
  const { stdin } = process;
  stdin.setEncoding("utf8");
  const text = stdin.isTTY ? await typed(prompt) : await piped();
  if (text === "") throw new AgentError("input_empty", "nothing was given; --forget KEY takes a secret away");
  return text;
}

async function piped(): Promise<string> {
  let text = "";
  for await (const chunk of process.stdin) {
    text += String(chunk);
    if (text.length > INPUT_MAX_CHARACTERS)
      throw new AgentError("input_too_long", `a secret has at most ${INPUT_MAX_CHARACTERS} characters`);
  }
  return text.replace(/\r?\n$/, "");
}

function typed(prompt: string): Promise<string> {
  const { stdin, stderr } = process;
  stderr.write(prompt);
  stdin.setRawMode(true);
  return new Promise((resolve, reject) => {
    let text = "";
    const end = (): void => {
      stdin.setRawMode(false);
      stdin.pause();
      stdin.off("data", take);
      stderr.write("\n");
    };
    const take = (chunk: Buffer | string): void => {
      for (const character of String(chunk)) {
        if (character === "\r" || character === "\n" || character === CONTROL_D) {
          end();
          return resolve(text);
        }
        if (character === CONTROL_C) {
          end();
          return reject(new AgentError("canceled", "nothing was set"));
        }
        text = ERASE.has(character) ? text.slice(0, -1) : text + character;
      }
    };
    stdin.on("data", take);
    stdin.resume();
  });
}
