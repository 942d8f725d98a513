import type { Process } from "./process.ts";
import { CALM_MS, MS_PER_TICK, type Program, type Programs } from "./programs.ts";
import { Reaped } from "./reaped.ts";

/**
 * All processes as they were read last, and the books: each reading adds what was used since the one before to the process's
 * program. A source feeds it; nothing here reads anything.
 */
export class Table {
  readonly processes = new Map<number, Process>();
  readonly programs: Programs;
  /** False until the first scan is over: what processes used before that is not ours to count. */
  begun = false;
  private settledMs = 0;
  private readonly onGone: (process: Process) => void;
  private readonly cpu = new Reaped();
  private readonly read = new Reaped();
  private readonly written = new Reaped();
  private readonly vanished: Process[] = [];

  constructor(programs: Programs, onGone: (process: Process) => void) {
    this.programs = programs;
    this.onGone = onGone;
  }

  /** A process that was not there before. What it used so far counts if it came while we looked. */
  add(process: Process, nowMs: number, ownTicks: number, childTicks: number): void {
    const { pid } = process;
    this.processes.set(pid, process);
    process.readMs = nowMs;
    if (this.begun) {
      this.programs.add(process.program, "cpuTicks", ownTicks);
      this.cpu.rose(pid, childTicks);
      process.tookOver = childTicks > 0;
    }
    process.ownTicks = ownTicks;
    process.childTicks = childTicks;
  }

  /** CPU time as of now. Counters that fall are left as they are: the kernel's sums waver by a tick. */
  used(process: Process, nowMs: number, ownTicks: number, childTicks: number): void {
    const ticks = Math.max(0, ownTicks - process.ownTicks);
    const taken = Math.max(0, childTicks - process.childTicks);
    const spanMs = nowMs - process.readMs;
    process.ownTicks += ticks;
    process.childTicks += taken;
    if (ticks > 0) this.programs.add(process.program, "cpuTicks", ticks);
    if (taken > 0) {
      this.cpu.rose(process.pid, taken);
      process.tookOver = true;
    }
    if (ticks > 0) process.ioDue = true;
    if (spanMs <= 0) return;
    process.readMs = nowMs;
    process.cpuRatio = (ticks * MS_PER_TICK) / spanMs;
    process.cpuCalm += (process.cpuRatio - process.cpuCalm) * (1 - Math.exp(-spanMs / CALM_MS));
  }

  /** Bytes read and written as of now. The first reading of one that was there before us only says where it stands. */
  moved(process: Process, nowMs: number, readBytes: number, writtenBytes: number): void {
    const first = process.ioReadMs === 0;
    const spanMs = nowMs - (first ? process.readMs : process.ioReadMs);
    const read = Math.max(0, readBytes - process.readBytes);
    const written = Math.max(0, writtenBytes - process.writtenBytes);
    process.readBytes += read;
    process.writtenBytes += written;
    process.ioReadMs = nowMs;
    process.ioDue = false;
    const tookOver = process.tookOver || this.cpu.expects(process.pid);
    process.tookOver = false;
    if (first && !this.begun) return;
    if (tookOver) {
      this.read.rose(process.pid, read);
      this.written.rose(process.pid, written);
    } else {
      if (read > 0) this.programs.add(process.program, "readBytes", read);
      if (written > 0) this.programs.add(process.program, "writtenBytes", written);
    }
    if (spanMs <= 0) return;
    process.ioPerSecond = tookOver ? 0 : ((read + written) * 1000) / spanMs;
    process.ioCalm += (process.ioPerSecond - process.ioCalm) * (1 - Math.exp(-spanMs / CALM_MS));
  }

  rename(process: Process, program: Program): void {
    process.program = program;
  }

  /** It is not there any more. */
  remove(process: Process): void {
    if (process.gone) return;
    process.gone = true;
    if (this.processes.get(process.pid) === process) this.processes.delete(process.pid);
    this.vanished.push(process);
    this.onGone(process);
  }

  /** After all have been looked at: what those that vanished used is to be found with their parents. */
  bury(): void {
    for (const { parent, ownTicks, childTicks, readBytes, writtenBytes } of this.vanished) {
      const heir = this.processes.has(parent) ? parent : null;
      this.cpu.vanished(heir, ownTicks + childTicks);
      this.read.vanished(heir, readBytes);
      this.written.vanished(heir, writtenBytes);
    }
    this.vanished.length = 0;
  }

  /** Ends a scan. `nowMs` is monotonic. */
  settle(nowMs: number, may: (name: string) => boolean): void {
    const { programs } = this;
    const spanMs = this.begun ? Math.max(0, nowMs - this.settledMs) : 0;
    this.settledMs = nowMs;
    const of = (pid: number): Program => this.processes.get(pid)?.program ?? programs.others;
    this.cpu.settle((pid, ticks) => programs.addUnseen(of(pid), ticks, spanMs));
    this.read.settle((pid, bytes) => programs.add(of(pid), "readBytes", bytes));
    this.written.settle((pid, bytes) => programs.add(of(pid), "writtenBytes", bytes));
    programs.settle(this.processes.values(), spanMs, may);
    this.begun = true;
  }
}
