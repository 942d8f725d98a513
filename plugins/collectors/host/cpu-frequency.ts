import type { SeriesId } from "all-use-agent/sdk";
import { Attributes } from "./attributes.ts";
import type { Columns } from "./columns.ts";
import type { Facts, Group } from "./group.ts";

const KILOHERTZ = 1000;

/** Files of /sys/devices/system/cpu/cpuN/cpufreq and the metrics they feed. */
const FREQUENCIES: readonly (readonly [string, string])[] = [
  ["cpuinfo_cur_freq", "node_cpu_frequency_hertz"],
  ["cpuinfo_min_freq", "node_cpu_frequency_min_hertz"],
  ["cpuinfo_max_freq", "node_cpu_frequency_max_hertz"],
  ["scaling_cur_freq", "node_cpu_scaling_frequency_hertz"],
  ["scaling_min_freq", "node_cpu_scaling_frequency_min_hertz"],
  ["scaling_max_freq", "node_cpu_scaling_frequency_max_hertz"],
];

/** Clock rates of the CPUs, and how often heat made them slower. Made anew when a CPU comes or goes. */
export class CpuFrequencyGroup implements Group {
  readonly name = "cpufreq";
  readonly pace = "slow";
  private readonly facts: Facts;
  private attributes: Attributes;
  private cpus = "";
  private isolated: readonly SeriesId[] = [];

  constructor(facts: Facts) {
    this.facts = facts;
    this.attributes = new Attributes(facts.reader);
  }

  read(out: Columns): void {
    const online = this.facts.reader.text(this.facts.sys("devices/system/cpu/online")) ?? "";
    if (online !== this.cpus) this.learn(online);
    this.attributes.read(out);
    for (const id of this.isolated) out.push(id, 1);
  }

  close(): void {
    this.attributes.close();
    this.cpus = "";
  }

  private learn(online: string): void {
    const { facts } = this;
    const { reader } = facts;
    this.attributes.close();
    this.attributes = new Attributes(reader);
    this.cpus = online;
    const folder = facts.sys("devices/system/cpu");
    const isolated = numbersOf(reader.text(`${folder}/isolated`) ?? "");
    this.isolated = isolated.map((cpu) => facts.series("node_cpu_isolated", { cpu: String(cpu) }));
    const seen = new Set<string>();
    for (const name of reader.names(folder)) {
      const cpu = /^cpu(\d+)$/.exec(name)?.[1];
      if (cpu === undefined) continue;
      const files = new Set(reader.names(`${folder}/${name}/cpufreq`));
      for (const [file, metric] of FREQUENCIES) {
        if (files.has(file)) this.attributes.add(`${folder}/${name}/cpufreq/${file}`, facts.series(metric, { cpu }), KILOHERTZ);
      }
      this.learnThrottles(`${folder}/${name}`, seen);
    }
  }

  /** Threads of a core share its counter, and cores of a package theirs: each is read once. */
  private learnThrottles(folder: string, seen: Set<string>): void {
    const { facts } = this;
    const { reader } = facts;
    const files = new Set(reader.names(`${folder}/thermal_throttle`));
    const pack = reader.text(`${folder}/topology/physical_package_id`);
    const core = reader.text(`${folder}/topology/core_id`);
    if (files.size === 0 || pack === null || core === null) return;
    const add = (file: string, metric: string, labels: Record<string, string>) => {
      const key = `${metric} ${JSON.stringify(labels)}`;
      if (seen.has(key) || !files.has(file)) return;
      seen.add(key);
      this.attributes.add(`${folder}/thermal_throttle/${file}`, facts.series(metric, labels));
    };
    add("core_throttle_count", "node_cpu_core_throttles_total", { package: pack, core });
    add("package_throttle_count", "node_cpu_package_throttles_total", { package: pack });
  }
}

/** The kernel's lists: `0,4-6`. */
function numbersOf(list: string): number[] {
  return list.split(",").flatMap((part) => {
    const [first, last = first] = part.split("-").map(Number);
    return part === "" ? [] : Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
}
