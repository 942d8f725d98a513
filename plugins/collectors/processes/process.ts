import type { Program } from "./programs.ts";

/** One process as it was when it was read last. Whoever reads it sets the fields; nobody else does. */
export class Process {
  readonly pid: number;
  /** With the pid this names a process for good: a pid is used again, at another time. */
  readonly startTicks: number;
  parent = 0;
  /** As the kernel has it, and its hash by which a change is noticed. */
  name = "";
  nameHash = 0;
  /** The group that it counts for. */
  program: Program;
  /** Null where nobody knows. */
  account: string | null = null;
  /** A letter's character code. */
  state = 0;
  isKernel = false;
  majorFaults = 0;
  ownTicks = 0;
  childTicks = 0;
  threads = 0;
  residentBytes = 0;
  readBytes = 0;
  writtenBytes = 0;
  /** Open file descriptors; 0 while not known. */
  openFiles = 0;

  /** Of one processor, over the last reading's interval, and calmer over some. */
  cpuRatio = 0;
  cpuCalm = 0;
  /** Read and written, over the last reading's interval, and calmer over some. */
  ioPerSecond = 0;
  ioCalm = 0;

  /** When it was read, in monotonic ms. */
  readMs = 0;
  ioReadMs = 0;
  /** Kept descriptor of its stat file, or -1. */
  fd = -1;
  /** What it reads and writes is not for us to see. */
  ioDenied = false;
  /** Its I/O is worth reading: it ran, or was not looked at for long. */
  ioDue = true;
  /** It took over the books of a child since its I/O was read. */
  tookOver = false;
  /** Scan in which it was last in the list. */
  listed = 0;
  gone = false;

  constructor(pid: number, startTicks: number, program: Program) {
    this.pid = pid;
    this.startTicks = startTicks;
    this.program = program;
  }
}
