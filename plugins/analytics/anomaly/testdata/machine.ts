import { seededRandom } from "all-use-agent/sdk/testing";

/** A made-up machine, second by second: what its panels show. Not real data; for false-alarm and detection tests. */
export interface Machine {
  /** Panel id → value. */
  step(timeMs: number): Record<string, number>;
  /** Extra load from outside, added on top. */
  extra: { cpu: number; memory: number; filesystem: number };
}

export interface MachineKind {
  readonly seed: number;
  /** Compiler runs and the like a day. */
  readonly jobsPerDay: number;
  /** Share of CPU that people add in working hours. */
  readonly workDay: number;
}

export function machine(kind: MachineKind): Machine {
  const random = seededRandom(kind.seed);
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const extra = { cpu: 0, memory: 0, filesystem: 0 };
  let jobLeft = 0;
  let jobCpu = 0;
  let jobMemory = 0;
  let work = 0;
  let memoryWalk = 0;
  let disk = 61;
  let network = 0;
  let load = 0.1;
  let pressure = 0;
  let burst = 0;
  return {
    extra,
    step(timeMs) {
      const second = Math.floor(timeMs / 1000);
      const hour = (second % 86_400) / 3600;
      if (jobLeft > 0) jobLeft--;
      else if (random() < kind.jobsPerDay / 86_400) {
        jobLeft = 20 + Math.floor(random() * 160);
        jobCpu = 50 + 45 * random();
        jobMemory = 1 + 4 * random();
      }
      const busy = kind.workDay * Math.max(0, Math.sin(((hour - 8) / 10) * Math.PI)) * (hour > 8 && hour < 18 ? 1 : 0);
      work += 0.05 * (busy * (1 + 0.5 * normal()) - work);
      if (burst > 0) burst--;
      else if (random() < 1 / 1800) burst = 3 + Math.floor(random() * 5);
      let cpu = 2.5 * Math.exp(0.35 * normal()) + Math.max(0, work);
      if (second % 60 === 0) cpu += 8 + 6 * random();
      if (second % 300 < 3) cpu += 20 + 10 * random();
      if (jobLeft > 0) cpu += jobCpu * (0.85 + 0.15 * random());
      cpu = Math.min(100, cpu + extra.cpu * (0.97 + 0.03 * random()));
      memoryWalk += 0.004 * normal() - 0.0001 * memoryWalk;
      const memory = 42 + memoryWalk + 0.05 * normal() + 0.1 * Math.max(0, work) + (jobLeft > 0 ? jobMemory : 0) + extra.memory;
      disk += 0.5 / 86_400 + (second % 86_400 === 0 ? -0.6 : 0);
      network += 0.3 * (20_000 * Math.exp(1.1 * normal()) + (burst > 0 ? 4_000_000 * random() : 0) - network);
      const diskRate = (random() < 0.1 ? 300_000 * Math.exp(normal()) : 0) + (jobLeft > 0 ? 5_000_000 * random() : 0);
      load += ((cpu / 100) * 2 - load) / 60;
      pressure += ((cpu > 85 ? 30 : 0) + Math.max(0, normal()) * 0.2 - pressure) / 10;
      return {
        cpu,
        memory: Math.min(100, memory),
        "disk-space": Math.min(100, disk + extra.filesystem),
        network,
        disks: diskRate,
        load,
        pressure,
      };
    },
  };
}
