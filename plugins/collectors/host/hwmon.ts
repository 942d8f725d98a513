import fs from "node:fs";
import path from "node:path";
import { AskedDeviceGroup } from "./asked-device-group.ts";
import { Attributes } from "./attributes.ts";
import type { Columns } from "./columns.ts";
import type { Facts, Group } from "./group.ts";

/** `temp1_input`: type, number, element. */
const FILE = /^([a-z_]*[a-z])(\d*)(?:_(.+))?$/;
const TYPES = new Set([
  "vrm",
  "beep_enable",
  "update_interval",
  "in",
  "cpu",
  "fan",
  "pwm",
  "temp",
  "curr",
  "power",
  "energy",
  "humidity",
  "intrusion",
  "freq",
]);
const WITHOUT_UNIT = new Set(["fault", "alarm"]);
const FAN_SPEEDS = new Set(["input", "min", "max", "target"]);
const POWER_INTERVALS = new Set(["average_interval", "average_interval_min", "average_interval_max"]);
const MILLI = 0.001;
const MICRO = 1e6;

/** A metric's name and what the file's number is multiplied and divided by. */
type Meaning = readonly [name: string, scale: number, divisor: number];

/** What a file of a sensor means, by the rules of the kernel's hwmon interface and node exporter's names. */
function meaningOf(type: string, element: string, hasBareFile: boolean): Meaning {
  const prefix = `node_hwmon_${type}`;
  const suffix = element === "input" ? (hasBareFile ? "_input" : "") : element === "" ? "" : `_${cleanName(element)}`;
  const name = prefix + suffix;
  if (type === "beep_enable") return ["node_hwmon_beep_enabled", 1, 1];
  if (type === "vrm") return ["node_hwmon_voltage_regulator_version", 1, 1];
  if (type === "update_interval") return ["node_hwmon_update_interval_seconds", MILLI, 1];
  if (WITHOUT_UNIT.has(element)) return [name, 1, 1];
  if (element === "beep") return [`${name}_enabled`, 1, 1];
  if (type === "in" || type === "cpu") return [`${name}_volts`, MILLI, 1];
  if (type === "temp" && element !== "type") return [`${name}_celsius`, MILLI, 1];
  if (type === "curr") return [`${name}_amps`, MILLI, 1];
  if (type === "energy") return [`${name}_joule_total`, 1, MICRO];
  if (type === "power" && element === "accuracy") return [name, 1, MICRO];
  if (type === "power" && POWER_INTERVALS.has(element)) return [`${name}_seconds`, MILLI, 1];
  if (type === "power") return [`${name}_watt`, 1, MICRO];
  if (type === "humidity") return [name, 1, MICRO];
  if (type === "fan" && FAN_SPEEDS.has(element)) return [`${name}_rpm`, 1, 1];
  if (type === "freq") return [`${name}_freq_mhz`, 1, MICRO];
  return [name, 1, 1];
}

function cleanName(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^a-z0-9:_]/g, "_")
    .replace(/^_+|_+$/g, "");
}

/** One chip: its numbers, and what people call it and its sensors. */
class Chip {
  private readonly facts: Facts;
  private readonly folder: string;
  private readonly numbers: Attributes;
  private readonly infoIds: number[] = [];

  constructor(facts: Facts, name: string) {
    this.facts = facts;
    this.folder = facts.sys(`class/hwmon/${name}`);
    this.numbers = new Attributes(facts.reader);
    const chip = this.chipLabel(name);
    const chipName = cleanName(facts.reader.text(`${this.folder}/name`) ?? "");
    if (chipName) this.infoIds.push(facts.series("node_hwmon_chip_names", { chip, chip_name: chipName }));
    this.learn(this.folder, chip);
    this.learn(`${this.folder}/device`, chip);
  }

  ask(): Promise<void> {
    return this.numbers.ask();
  }

  read(out: Columns): void {
    if (this.numbers.read(out)) for (const id of this.infoIds) out.push(id, 1);
  }

  close(): void {
    this.numbers.close();
  }

  /** The order in which drivers load decides about `hwmon3`; the path of the device does not change. */
  private chipLabel(name: string): string {
    try {
      const device = fs.realpathSync(`${this.folder}/device`);
      const type = cleanName(path.basename(path.dirname(device)));
      const label = cleanName(path.basename(device));
      if (label) return type ? `${type}_${label}` : label;
    } catch {
      // A virtual chip has no device: its own name must do.
    }
    return cleanName(this.facts.reader.text(`${this.folder}/name`) ?? "") || name;
  }

  private learn(folder: string, chip: string): void {
    const { facts } = this;
    const names = facts.reader.names(folder);
    const files = new Set(names);
    for (const file of names) {
      const [, type, number, element = ""] = FILE.exec(file) ?? [];
      if (type === undefined || !TYPES.has(type)) continue;
      const sensor = `${type}${number || "0"}`;
      if (element === "label") {
        const label = facts.reader.text(`${folder}/${file}`);
        if (label) this.infoIds.push(facts.series("node_hwmon_sensor_label", { chip, sensor, label }));
        continue;
      }
      const [name, scale, divisor] = meaningOf(type, element, files.has(`${type}${number}`));
      this.numbers.add(`${folder}/${file}`, facts.series(name, { chip, sensor }), scale, divisor);
    }
  }
}

/** /sys/class/hwmon: temperatures, fans, voltages, power. */
export function hwmonGroup(facts: Facts): Group {
  return new AskedDeviceGroup(
    { name: "hwmon", folder: facts.sys("class/hwmon"), make: (name) => new Chip(facts, name) },
    facts.config.slow_interval_ms,
  );
}
