import fs from "node:fs";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Clock } from "all-use-agent/sdk";
import { readArguments } from "./commands.ts";
import type { Names } from "./names.ts";
import { Process } from "./process.ts";
import type { Source } from "./source.ts";
import { StatLine } from "./stat-line.ts";
import type { Table } from "./table.ts";

/** Stat files kept open: a read of those costs a third. A read of one whose process ended fails, whoever has its pid now. */
const KEPT_MAX = 256;
/** Processes read in one go; then others get their turn. About half a millisecond. */
const SLICE = 64;
/** Beyond this, processes are counted and not looked at. */
const PROCESSES_MAX = 20_000;
/** Scans until processes that do nothing have their I/O and open files looked at, in turns. */
const ROUND = 16;
/** Scans until all are listed though nobody seems to have come. */
const LIST_ANYWAY = 8;
const KERNEL_THREAD = 0x00200000;
const DISK_WAIT = 68;
const NEWLINE = 10;
const ZERO = 48;
const MS_PER_TICK = 10;

/** Reads all processes from procfs into a table. */
export class ProcSource implements Source {
  /** Processes that were listed but not looked at. */
  unread = 0;
  private readonly root: string;
  private readonly table: Table;
  private readonly names: Names;
  private readonly clock: Clock;
  private readonly pageBytes: number;
  private readonly bytes = Buffer.allocUnsafeSlow(2048);
  private readonly line = new StatLine();
  private keptMax = KEPT_MAX;
  private kept = 0;
  private scans = 0;
  private newestPid = "";
  private busyMs = 0;
  private readonly bootMs: number;

  constructor(root: string, table: Table, names: Names, clock: Clock, pageBytes: number) {
    this.root = root;
    this.table = table;
    this.names = names;
    this.clock = clock;
    this.pageBytes = pageBytes;
    this.bootMs = readBootMs(root);
  }

  /** Looks at all processes. Returns how many ms it kept the thread. Throws where the folder cannot be listed. */
  async scan(signal: AbortSignal): Promise<number> {
    const { table } = this;
    this.busyMs = 0;
    const pids = this.someoneCame() ? this.list() : null;
    await this.inSlices([...table.processes.values()], signal, (process) => this.read(process));
    if (pids) {
      const fresh = pids.filter((pid) => !table.processes.has(pid));
      this.unread = Math.max(0, table.processes.size + fresh.length - PROCESSES_MAX);
      if (this.unread > 0) fresh.length = Math.max(0, PROCESSES_MAX - table.processes.size);
      await this.inSlices(fresh, signal, (pid) => this.meet(pid));
    }
    table.bury();
    await this.inSlices([...table.processes.values()], signal, (process) => this.look(process));
    this.scans++;
    return this.busyMs;
  }

  refresh(process: Process): void {
    if (this.read(process) && process.ioDue) this.readIo(process);
  }

  argumentsOf(process: Process): string[] {
    return process.isKernel ? [] : readArguments(this.root, process.pid);
  }

  startedMs(process: Process): number {
    return this.bootMs + process.startTicks * MS_PER_TICK;
  }

  /** Reads one process again; false when it is gone. */
  private read(process: Process): boolean {
    if (process.gone) return false;
    const length = process.fd >= 0 ? this.readKept(process.fd) : this.readOnce(`${this.root}/${process.pid}/stat`);
    const { line, table } = this;
    if (length <= 0 || !line.parse(this.bytes, length) || line.startTicks !== process.startTicks) {
      this.forget(process);
      return false;
    }
    if (line.nameHash !== process.nameHash) this.baptise(process);
    const { majorFaults } = process;
    this.note(process);
    if (line.majorFaults !== majorFaults || line.state === DISK_WAIT) process.ioDue = true;
    table.used(process, this.clock.monotonic(), line.ownTicks, line.childTicks);
    return true;
  }

  /** Bytes read and written now, where we may know. */
  private readIo(process: Process): void {
    if (process.ioDenied || process.gone) return;
    const length = this.readOnce(`${this.root}/${process.pid}/io`);
    if (length <= 0) {
      // A process that ended is noticed elsewhere; who refuses will refuse again.
      process.ioDenied = true;
      return;
    }
    const read = this.numberAfter("\nread_bytes: ", length);
    const written = this.numberAfter("\nwrite_bytes: ", length);
    if (read >= 0 && written >= 0) this.table.moved(process, this.clock.monotonic(), read, written);
  }

  /** Linux 6.2 and newer say the number as the folder's size; before that it must be counted. */
  private readOpenFiles(process: Process): void {
    const path = `${this.root}/${process.pid}/fd`;
    try {
      const size = fs.statSync(path).size;
      process.openFiles = size > 0 || process.isKernel ? size : fs.readdirSync(path).length;
    } catch {
      process.openFiles = 0;
    }
  }

  close(): void {
    for (const process of this.table.processes.values()) this.drop(process);
  }

  private async inSlices<T>(items: readonly T[], signal: AbortSignal, each: (item: T) => unknown): Promise<void> {
    for (let from = 0; from < items.length; from += SLICE) {
      signal.throwIfAborted();
      if (from > 0) await nextTurn();
      const startMs = this.clock.monotonic();
      const end = Math.min(items.length, from + SLICE);
      for (let i = from; i < end; i++) each(items[i]);
      this.busyMs += this.clock.monotonic() - startMs;
    }
  }

  /** The newest pid stands at the end of /proc/loadavg: while that is the same, nobody came. Who goes is noticed by reading. */
  private someoneCame(): boolean {
    const length = this.readOnce(`${this.root}/loadavg`);
    const newest = length > 0 ? this.bytes.toString("latin1", 0, length).trimEnd().split(" ").at(-1)! : "";
    const same = newest !== "" && newest === this.newestPid;
    this.newestPid = newest;
    return !same || this.scans % LIST_ANYWAY === 0;
  }

  private list(): number[] {
    const pids: number[] = [];
    for (const name of fs.readdirSync(this.root)) {
      const first = name.charCodeAt(0);
      if (first > ZERO && first <= ZERO + 9) pids.push(Number(name));
    }
    return pids;
  }

  private meet(pid: number): void {
    const path = `${this.root}/${pid}/stat`;
    const keep = this.kept < this.keptMax;
    const fd = this.open(path);
    if (fd < 0) return;
    const length = this.readKept(fd);
    const { line } = this;
    if (length <= 0 || !line.parse(this.bytes, length)) {
      fs.closeSync(fd);
      return;
    }
    const process = new Process(pid, line.startTicks, this.table.programs.others);
    process.account = this.names.account(fs.fstatSync(fd).uid, this.clock.monotonic());
    process.isKernel = (line.flags & KERNEL_THREAD) !== 0;
    if (keep) {
      process.fd = fd;
      this.kept++;
    } else fs.closeSync(fd);
    this.baptise(process);
    this.note(process);
    this.table.add(process, this.clock.monotonic(), line.ownTicks, line.childTicks);
  }

  private baptise(process: Process): void {
    const { line, names, table } = this;
    process.nameHash = line.nameHash;
    process.name = names.own(process.pid, this.bytes.toString("utf8", line.nameStart, line.nameEnd));
    table.rename(process, table.programs.named(names.group(process.pid, process.name, process.isKernel, process.account)));
  }

  private note(process: Process): void {
    const { line } = this;
    process.parent = line.parent;
    process.state = line.state;
    process.threads = line.threads;
    process.majorFaults = line.majorFaults;
    process.residentBytes = line.residentPages * this.pageBytes;
  }

  /** What is not looked at each time: I/O of those that ran, and of all in turns; open files in turns. */
  private look(process: Process): void {
    const turn = (process.pid + this.scans) % ROUND === 0;
    if (process.ioDue || turn) this.readIo(process);
    if (turn || this.scans === 0) this.readOpenFiles(process);
  }

  private forget(process: Process): void {
    this.drop(process);
    this.table.remove(process);
  }

  private drop(process: Process): void {
    if (process.fd < 0) return;
    fs.closeSync(process.fd);
    process.fd = -1;
    this.kept--;
  }

  private open(path: string): number {
    try {
      return fs.openSync(path, "r");
    } catch (error) {
      // No more descriptors to be had: those that are kept are enough.
      if ((error as NodeJS.ErrnoException).code === "EMFILE") this.keptMax = Math.min(this.keptMax, this.kept) >> 1;
      return -1;
    }
  }

  private readKept(fd: number): number {
    try {
      return fs.readSync(fd, this.bytes, 0, this.bytes.length, 0);
    } catch {
      return -1;
    }
  }

  private readOnce(path: string): number {
    const fd = this.open(path);
    if (fd < 0) return -1;
    const length = this.readKept(fd);
    fs.closeSync(fd);
    return length;
  }

  private numberAfter(key: string, length: number): number {
    const at = this.bytes.indexOf(key, 0, "latin1");
    if (at < 0 || at >= length) return -1;
    let value = 0;
    for (let pos = at + key.length; pos < length && this.bytes[pos] !== NEWLINE; pos++)
      value = value * 10 + (this.bytes[pos] - ZERO);
    return value;
  }
}

/** When the machine was booted, Unix ms; 0 where it does not say. */
function readBootMs(root: string): number {
  try {
    return 1000 * Number(/^btime (\d+)$/m.exec(fs.readFileSync(`${root}/stat`, "latin1"))?.[1] ?? 0);
  } catch {
    return 0;
  }
}
