import type { Process } from "./process.ts";
import { Seats } from "./seats.ts";

/** Programs told apart at once; what comes beyond goes straight to the others. */
const NAMES_MAX = 2048;
/** Of the whole machine; who takes less on every count needs no name. */
const SHARE_MIN = 0.002;
const SHARE_URGENT = 0.25;
/** Bytes a second that count as much as all processors. */
const IO_WHOLE = 200e6;
/** Milliseconds over which the calmer rates are averaged, exponentially. */
export const CALM_MS = 10_000;
export const MS_PER_TICK = 10;
export const OTHERS = "other";

export type Quantity = "cpuTicks" | "childTicks" | "readBytes" | "writtenBytes";

/** Everything that runs under one name, however many processes come and go. */
export class Program {
  readonly name: string;
  /** Sums that only grow: what was used while the name had a seat. */
  cpuTicks = 0;
  childTicks = 0;
  readBytes = 0;
  writtenBytes = 0;
  /** As of the last scan. */
  processes = 0;
  threads = 0;
  residentBytes = 0;
  cpuCalm = 0;
  ioCalm = 0;
  /** Processors that children used which nobody saw, averaged as the rest is. */
  unseenCalm = 0;
  score = 0;

  constructor(name: string) {
    this.name = name;
  }

  /** Whether there is a sum to be kept. */
  get counted(): boolean {
    return this.cpuTicks + this.childTicks + this.readBytes + this.writtenBytes > 0;
  }

  clear(): void {
    this.processes = this.threads = this.residentBytes = this.cpuCalm = this.ioCalm = 0;
  }

  take(one: Program | Process): void {
    this.threads += one.threads;
    this.residentBytes += one.residentBytes;
    this.cpuCalm += one.cpuCalm;
    this.ioCalm += one.ioCalm;
  }
}

/**
 * What processes use, by program. A bounded number has a seat and counters of its own; everything else counts for the others,
 * to the last tick, so that the sum over all is what all processes used. A program that gets a seat counts from then on; one that
 * loses it keeps its sums for the day it comes back.
 */
export class Programs {
  readonly others = new Program(OTHERS);
  readonly seats: Seats<Program>;
  private readonly byName = new Map<string, Program>();
  private readonly processors: number;
  private readonly memoryBytes: number;

  constructor(seats: number, processors: number, memoryBytes: number) {
    this.processors = processors;
    this.memoryBytes = memoryBytes;
    this.seats = new Seats<Program>({ seats, floor: SHARE_MIN, urgent: SHARE_URGENT }, (program) => program.score);
  }

  named(name: string): Program {
    const known = this.byName.get(name);
    if (known) return known;
    if (this.byName.size >= NAMES_MAX || name === OTHERS) return this.others;
    const program = new Program(name);
    this.byName.set(name, program);
    return program;
  }

  /** CPU time of children that nobody saw: it makes who starts them large. `spanMs` is the time since the last scan. */
  addUnseen(program: Program, ticks: number, spanMs: number): void {
    this.add(program, "childTicks", ticks);
    if (spanMs > 0) program.unseenCalm += ((ticks * MS_PER_TICK) / spanMs) * (1 - Math.exp(-spanMs / CALM_MS));
  }

  add(program: Program, quantity: Quantity, amount: number): void {
    if (this.seats.has(program)) program[quantity] += amount;
    else this.others[quantity] += amount;
  }

  /** Sums up the processes and seats the largest. `may` says whether a name may become a label. */
  settle(processes: Iterable<Process>, spanMs: number, may: (name: string) => boolean): void {
    const { others, seats, byName } = this;
    others.clear();
    for (const program of byName.values()) program.clear();
    for (const process of processes) {
      process.program.take(process);
      process.program.processes++;
    }
    for (const program of byName.values()) {
      program.score = Math.max(
        (program.cpuCalm + program.unseenCalm) / this.processors,
        program.residentBytes / this.memoryBytes,
        program.ioCalm / IO_WHOLE,
      );
      seats.propose(program);
      program.unseenCalm *= Math.exp(-spanMs / CALM_MS);
    }
    seats.settle((program) => may(program.name));
    for (const [name, program] of byName) {
      if (seats.has(program)) continue;
      others.take(program);
      others.processes += program.processes;
      // The sums of a program that had a seat once are kept for the day it comes back, while there is room.
      if (program.processes === 0 && (!program.counted || byName.size > NAMES_MAX / 2)) byName.delete(name);
    }
  }
}
