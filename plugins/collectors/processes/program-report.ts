import type { SeriesId } from "all-use-agent/sdk";
import type { Columns, Series } from "./columns.ts";
import type { Program, Programs } from "./programs.ts";

const TICKS_PER_SECOND = 100;

interface Ids {
  readonly cpu: SeriesId;
  readonly processes: SeriesId;
  readonly threads: SeriesId;
  readonly memory: SeriesId;
  readonly read: SeriesId;
  readonly written: SeriesId;
  /** Most programs wait for nobody. */
  children: SeriesId | null;
}

/** The series of the programs that have a seat, and of the others. Those of a program that lost its seat end. */
export class ProgramReport {
  private readonly programs: Programs;
  private readonly series: Series;
  private readonly ids = new Map<Program, Ids>();
  private shown = new Set<Program>();

  constructor(programs: Programs, series: Series) {
    this.programs = programs;
    this.series = series;
  }

  report(out: Columns): void {
    const shown = new Set<Program>([this.programs.others]);
    for (const program of this.programs.seats.occupants) if (program) shown.add(program);
    for (const program of shown) this.push(out, program);
    for (const program of this.shown) {
      if (shown.has(program)) continue;
      const ids = this.ids.get(program)!;
      for (const id of Object.values(ids)) if (id !== null) out.pushStale(id as SeriesId);
      this.ids.delete(program);
    }
    this.shown = shown;
  }

  private push(out: Columns, program: Program): void {
    const ids = this.idsOf(program);
    out.push(ids.cpu, program.cpuTicks / TICKS_PER_SECOND);
    out.push(ids.processes, program.processes);
    out.push(ids.threads, program.threads);
    out.push(ids.memory, program.residentBytes);
    out.push(ids.read, program.readBytes);
    out.push(ids.written, program.writtenBytes);
    if (program.childTicks > 0) {
      ids.children ??= this.series("alluse_program_children_cpu_seconds_total", { program: program.name });
      out.push(ids.children, program.childTicks / TICKS_PER_SECOND);
    }
  }

  private idsOf(program: Program): Ids {
    let ids = this.ids.get(program);
    if (ids) return ids;
    const labels = { program: program.name };
    ids = {
      cpu: this.series("alluse_program_cpu_seconds_total", labels),
      processes: this.series("alluse_program_processes", labels),
      threads: this.series("alluse_program_threads", labels),
      memory: this.series("alluse_program_resident_memory_bytes", labels),
      read: this.series("alluse_program_read_bytes_total", labels),
      written: this.series("alluse_program_written_bytes_total", labels),
      children: null,
    };
    this.ids.set(program, ids);
    return ids;
  }
}
