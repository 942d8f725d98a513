import { AgentError, errorText } from "all-use-agent/sdk";
import { stat } from "node:fs/promises";
import type { Readable } from "node:stream";
import { type AgentClient, connect } from "./client.ts";
import type { Command } from "./commands.ts";
import { dataDirOf } from "./data-dir.ts";
import { chunksOf, type ImportFormat, type ImportChunk, formatOf } from "./import-chunks.ts";
import { Progress } from "./import-progress.ts";
import { DATA_DIR_OPTION, DONE, FAILED, JSON_OPTION, parseCommand, UsageError } from "./usage.ts";

const HELP = `Usage: alluse import FILE… [options]

Sends samples from files to the running agent, which keeps them as long as their age is within its retention.

  FILE          Prometheus text, OpenMetrics or JSON lines; .gz is unpacked; - is standard input
  --format F    prometheus, openmetrics or jsonl, where neither the name nor the end of a file tells:
                .prom and .txt are Prometheus text (times in milliseconds), .om is OpenMetrics (times in seconds),
                .jsonl and .json are lines of {"metric":{"__name__":…},"values":[…],"timestamps":[…]}
  --data-dir D  the agent's data folder (default: the platform's)
  --json        what came of it, to parse

Lines that cannot be read are left out and shown, the first of each part with their places; the exit status is 1 then. To import again what
was imported before, whole or in part, changes nothing: of two samples of a series at one time one is kept.
`;

/** A busy agent asks to wait; for so long it is tried again. */
const TRIES = 60;
const WAIT_MAX_S = 30;
const SHOWN_MAX = 20;

/** What came of one file, or of all. */
export interface ImportResult {
  samples: number;
  refused: number;
  unreadable: number;
  bytes: number;
  readonly errors: string[];
}

export const importCommand: Command = {
  help: HELP,
  async run(args) {
    const { values, positionals } = parseCommand(args, { ...DATA_DIR_OPTION, ...JSON_OPTION, format: { type: "string" } });
    if (positionals.length === 0) throw new UsageError("FILE is missing; - is standard input.");
    const { format } = values;
    if (format !== undefined && !isFormat(format))
      throw new UsageError(`--format is prometheus, openmetrics or jsonl, not ${JSON.stringify(format)}.`);
    const sizes = await Promise.all(positionals.map(sizeOf));
    const agent = await connect(dataDirOf(values["data-dir"]));
    const total = sizes.includes(null) ? null : sizes.reduce<number>((sum, size) => sum + (size ?? 0), 0);
    const progress = new Progress(process.stderr, total);
    const result: ImportResult = { samples: 0, refused: 0, unreadable: 0, bytes: 0, errors: [] };
    try {
      for (const file of positionals) await importFile(agent, file, format ?? formatOf(file), result, progress);
    } finally {
      progress.end();
    }
    report(result, values.json ?? false);
    return result.refused + result.unreadable > 0 ? FAILED : DONE;
  },
};

function isFormat(text: string): text is ImportFormat {
  return text === "prometheus" || text === "openmetrics" || text === "jsonl";
}

/** Bytes of a file; null of what has no size. Throws `import_unreadable` before anything is sent. */
async function sizeOf(file: string): Promise<number | null> {
  if (file === "-") return null;
  try {
    const found = await stat(file);
    if (found.isDirectory()) throw new Error("it is a folder");
    return found.isFile() ? found.size : null;
  } catch (error) {
    throw new AgentError("import_unreadable", `${file} cannot be read: ${errorText(error)}; nothing was imported.`, {
      cause: error,
    });
  }
}

async function importFile(
  agent: AgentClient,
  file: string,
  format: ImportFormat | null,
  result: ImportResult,
  progress: Progress,
): Promise<void> {
  const { createReadStream } = await import("node:fs");
  const source: Readable = file === "-" ? process.stdin : createReadStream(file);
  const counted = (bytes: number): void => progress.read(bytes);
  try {
    for await (const chunk of chunksOf(source, { format, packed: file.endsWith(".gz"), counted })) {
      await sendChunk(agent, file, chunk, result);
      progress.kept(result.samples);
    }
  } catch (error) {
    if (error instanceof AgentError) throw error;
    throw new AgentError(
      "import_unreadable",
      `${file} cannot be read further: ${errorText(error)}; what came before was imported, ${result.samples} samples in all.`,
      { cause: error },
    );
  }
}

/** The import route's answer where it is not 204. */
interface Refusal {
  readonly error?: string;
  readonly taken?: number;
  readonly refused?: number;
  readonly unreadable?: number;
}

async function sendChunk(agent: AgentClient, file: string, chunk: ImportChunk, result: ImportResult): Promise<void> {
  for (let tries = 1; ; tries++) {
    const { status, body, retryAfterS } = await agent.send(chunk.path, chunk.contentType, chunk.body);
    if (status === 503 && tries < TRIES) {
      const waitS = Math.min(retryAfterS ?? 5, WAIT_MAX_S);
      await new Promise((resolve) => setTimeout(resolve, waitS * 1000));
      continue;
    }
    result.bytes += chunk.body.length;
    if (status === 204) {
      result.samples += chunk.samples;
      return;
    }
    const answer = readRefusal(body);
    if (status !== 400 || answer.taken === undefined)
      throw new AgentError("import_refused", `The agent refused a part of ${file}: ${answer.error ?? `status ${status}`}`);
    result.samples += answer.taken;
    result.refused += answer.refused ?? 0;
    result.unreadable += answer.unreadable ?? 0;
    if (result.errors.length < SHOWN_MAX) result.errors.push(`${file} from line ${chunk.line}: ${answer.error ?? ""}`);
    return;
  }
}

function readRefusal(body: string): Refusal {
  try {
    return JSON.parse(body) as Refusal;
  } catch {
    return { error: body.slice(0, 500) };
  }
}

function report(result: ImportResult, json: boolean): void {
  if (json) {
    process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
    return;
  }
  for (const error of result.errors) process.stderr.write(`${error}\n`);
  const { samples, refused, unreadable } = result;
  const left = refused + unreadable === 0 ? "" : `; left out: ${refused} samples refused, ${unreadable} lines unreadable`;
  process.stdout.write(`${samples} samples imported${left}\n`);
}
