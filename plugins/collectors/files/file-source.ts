import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { basename } from "node:path";
import {
  AgentError,
  type BatchRun,
  type BatchSource,
  type BatchSourceConfig,
  type BatchTools,
  errorText,
  type PluginContext,
  RetryableError,
} from "all-use-agent/sdk";
import { continues, type FileMark, FileMarks, printsOf } from "./file-mark.ts";
import { piecesOf } from "./file-pieces.ts";
import { type FileLines, linesOf } from "./file-rows.ts";
import { expand, type FoundFile } from "./glob.ts";

export interface FileSourceConfig extends BatchSourceConfig {
  readonly paths: readonly string[];
  readonly format: "csv" | "jsonl" | "openmetrics" | "prometheus";
  readonly delimiter?: string;
  readonly quote?: string;
  readonly header?: boolean;
  readonly columns?: readonly string[];
  readonly encoding?: "utf-8" | "windows-1252";
  /** A last line without an end counts once the file has not changed for so long, in milliseconds. */
  readonly settle?: number;
}

export function openFileSource(ctx: PluginContext, config: FileSourceConfig, tools: BatchTools) {
  const exposition = config.format === "openmetrics" || config.format === "prometheus";
  return { source: new FileSource(ctx, config, tools, exposition), mapped: !exposition };
}

/** Files that are read as they grow, each from where it was left. */
class FileSource implements BatchSource {
  readonly identity: string;
  private readonly ctx: PluginContext;
  private readonly config: FileSourceConfig;
  private readonly tools: BatchTools;
  private readonly exposition: boolean;
  private readonly saidOutside = new Set<string>();

  constructor(ctx: PluginContext, config: FileSourceConfig, tools: BatchTools, exposition: boolean) {
    this.ctx = ctx;
    this.config = config;
    this.tools = tools;
    this.exposition = exposition;
    this.identity = `files:${config.format}`;
  }

  async run(run: BatchRun): Promise<void> {
    const marks = new FileMarks(run.mark);
    const problems: string[] = [];
    let retryable = false;
    const files = await this.find(problems);
    const keys = new Set(files.map(({ key }) => key));
    for (const file of files) {
      try {
        await this.read(file, marks.of(file, keys), marks, run);
      } catch (error) {
        // Others are not kept waiting by one that cannot be read.
        if (run.signal.aborted || isOurs(error)) throw error;
        retryable ||= isTransient(error);
        problems.push(sentence(file.path, error));
      }
    }
    await run.commit(marks.kept());
    if (problems.length === 0) return;
    const message = problems.slice(0, 3).join("; ") + (problems.length > 3 ? ` and ${problems.length - 3} more` : "");
    throw retryable ? new RetryableError(message) : new AgentError("batch_source_failed", message);
  }

  /** All files of all paths, the oldest first. */
  private async find(problems: string[]): Promise<FoundFile[]> {
    const files = new Map<string, FoundFile>();
    for (const pattern of this.config.paths) {
      try {
        const found = await expand(pattern);
        for (const file of found.files) files.set(file.key, file);
        for (const path of found.outside) this.sayOutside(path);
        if (found.files.length === 0 && !/[*?[]/.test(pattern))
          problems.push(`${pattern} is not there, or is no regular file within its folder`);
      } catch (error) {
        if (error instanceof AgentError) throw error;
        problems.push(sentence(pattern, error));
      }
    }
    return [...files.values()].sort((a, b) => a.mtimeMs - b.mtimeMs || (a.path < b.path ? -1 : 1));
  }

  private sayOutside(path: string): void {
    if (this.saidOutside.has(path) || this.saidOutside.size > 100) return;
    this.saidOutside.add(path);
    this.ctx.log.warn(`${path} is a link that leads out of its folder: it is left out`);
  }

  private async read(file: FoundFile, mark: FileMark | null, marks: FileMarks, run: BatchRun): Promise<void> {
    const unchanged = mark?.key === file.key && mark.sizeBytes === file.sizeBytes && mark.mtimeMs === file.mtimeMs;
    if (unchanged && mark.done) return;
    const handle = await open(file.realPath, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
    try {
      const { size, mtimeMs, dev, ino } = await handle.stat();
      // Another one took its place since it was found: it is read with the next run.
      if (`${dev}:${ino}` !== file.key) return;
      const now: FoundFile = { ...file, sizeBytes: size, mtimeMs: Math.floor(mtimeMs) };
      const goesOn = mark !== null && (unchanged || !this.exposition) && (await continues(handle, size, mark));
      if (mark !== null && !goesOn && !this.exposition)
        this.ctx.log.info(`${file.path} was written anew: it is read from its beginning`);
      await new Reading(this.ctx, this.config, this.tools, now, handle, run, goesOn ? mark : null).all(marks, mark);
    } finally {
      await handle.close();
    }
  }
}

/** One file being read. */
class Reading {
  private readonly file: FoundFile;
  private readonly handle: FileHandle;
  private readonly run: BatchRun;
  private readonly gzip: boolean;
  private readonly lines: FileLines;
  private readonly settled: boolean;
  private offset: number;

  constructor(
    ctx: PluginContext,
    config: FileSourceConfig,
    tools: BatchTools,
    file: FoundFile,
    handle: FileHandle,
    run: BatchRun,
    from: FileMark | null,
  ) {
    this.file = file;
    this.handle = handle;
    this.run = run;
    this.gzip = /\.(gz|gzip)$/i.test(file.path);
    this.offset = from?.offset ?? 0;
    this.settled = ctx.clock.now() - file.mtimeMs >= (config.settle ?? 5000);
    this.lines = linesOf(ctx, config, tools, run, basename(file.path), file.mtimeMs, from?.lines ?? 0);
  }

  async all(marks: FileMarks, before: FileMark | null): Promise<void> {
    const { run, lines, handle, gzip } = this;
    let replaced = before;
    const mark = async (done: boolean): Promise<unknown> => {
      const own = await this.mark(done);
      marks.set(own, replaced);
      replaced = own;
      return marks.kept();
    };
    if (this.offset > 0 && lines.needsHeader) {
      let head = "";
      for await (const piece of piecesOf(handle, gzip, 0)) if (lines.header((head += piece))) break;
    }
    let rest = "";
    try {
      for await (const piece of piecesOf(handle, gzip, this.offset)) {
        rest = this.take(rest + piece, false);
        await run.breathe(() => mark(false));
      }
    } catch (error) {
      if (!gzip || (error as NodeJS.ErrnoException).code?.startsWith("Z_") !== true) throw error;
      await mark(false);
      throw new AgentError("batch_source_failed", `it is damaged or still being written: ${errorText(error)}`, { cause: error });
    }
    if (rest !== "" && this.settled) rest = this.take(rest, true);
    await mark(rest === "");
    await run.breathe(() => marks.kept());
  }

  private take(text: string, last: boolean): string {
    const done = this.lines.take(text, last);
    this.offset += done;
    return done === text.length ? "" : text.slice(done);
  }

  private async mark(done: boolean): Promise<FileMark> {
    const { path, key, sizeBytes, mtimeMs } = this.file;
    const printed = this.gzip ? sizeBytes : this.offset;
    const prints = await printsOf(this.handle, printed);
    return { path, key, sizeBytes, mtimeMs, offset: this.offset, lines: this.lines.line - 1, printed, ...prints, done };
  }
}

/** An error of the agent's, and no matter of this file. */
function isOurs(error: unknown): boolean {
  return error instanceof AgentError && ["stopped", "storage_write_failed", "store_full"].includes(error.code);
}

/** What passes by itself: too many open files, a disk that did not answer. */
function isTransient(error: unknown): boolean {
  return ["EMFILE", "ENFILE", "EIO", "EAGAIN", "EBUSY", "ETIMEDOUT", "ESTALE"].includes(
    (error as NodeJS.ErrnoException).code ?? "",
  );
}

function sentence(path: string, error: unknown): string {
  const { code } = error as NodeJS.ErrnoException;
  if (code === "EACCES" || code === "EPERM") return `${path} may not be read by the agent: mend its permissions`;
  if (code === "ENOENT" || code === "ELOOP") return `${path} went away while it was read`;
  return `${path}: ${errorText(error)}`;
}
