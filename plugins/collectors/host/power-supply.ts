import { readFile } from "node:fs/promises";
import { AskedDeviceGroup } from "./asked-device-group.ts";
import { Attributes } from "./attributes.ts";
import type { Columns } from "./columns.ts";
import type { Facts, Group } from "./group.ts";
import { Info } from "./info.ts";

const MICRO = 1e6;
const TENTHS = 10;

/** Files of /sys/class/power_supply/<name>; the metric's name where it is another, and what it is divided by. */
const PLAIN: Readonly<Record<string, string>> = {
  authentic: "authentic",
  calibrate: "calibrate",
  capacity: "capacity",
  capacity_alert_max: "capacity_alert_max",
  capacity_alert_min: "capacity_alert_min",
  cycle_count: "cyclecount",
  online: "online",
  present: "present",
  time_to_empty_now: "time_to_empty_seconds",
  time_to_full_now: "time_to_full_seconds",
};
const IN_MICRO: Readonly<Record<string, string>> = {
  current_boot: "current_boot",
  current_max: "current_max",
  current_now: "current_ampere",
  energy_empty: "energy_empty",
  energy_empty_design: "energy_empty_design",
  energy_full: "energy_full",
  energy_full_design: "energy_full_design",
  energy_now: "energy_watthour",
  voltage_boot: "voltage_boot",
  voltage_max: "voltage_max",
  voltage_max_design: "voltage_max_design",
  voltage_min: "voltage_min",
  voltage_min_design: "voltage_min_design",
  voltage_now: "voltage_volt",
  voltage_ocv: "voltage_ocv",
  charge_control_limit: "charge_control_limit",
  charge_control_limit_max: "charge_control_limit_max",
  charge_counter: "charge_counter",
  charge_empty: "charge_empty",
  charge_empty_design: "charge_empty_design",
  charge_full: "charge_full",
  charge_full_design: "charge_full_design",
  charge_now: "charge_ampere",
  charge_term_current: "charge_term_current",
  constant_charge_current: "constant_charge_current",
  constant_charge_current_max: "constant_charge_current_max",
  constant_charge_voltage: "constant_charge_voltage",
  constant_charge_voltage_max: "constant_charge_voltage_max",
  precharge_current: "precharge_current",
  input_current_limit: "input_current_limit",
  power_now: "power_watt",
};
const IN_TENTHS = [
  "temp",
  "temp_alert_max",
  "temp_alert_min",
  "temp_ambient",
  "temp_ambient_max",
  "temp_ambient_min",
  "temp_max",
  "temp_min",
];
const TEXTS = [
  "capacity_level",
  "charge_type",
  "health",
  "manufacturer",
  "model_name",
  "serial_number",
  "status",
  "technology",
  "type",
  "usb_type",
  "scope",
];

class Supply {
  private readonly name: string;
  private readonly folder: string;
  private readonly numbers: Attributes;
  private readonly texts: readonly string[];
  private readonly info: Info;
  private labels: Record<string, string> = {};

  constructor(facts: Facts, name: string) {
    this.name = name;
    this.folder = facts.sys(`class/power_supply/${name}`);
    this.numbers = new Attributes(facts.reader);
    this.info = new Info(facts, "node_power_supply_info");
    const present = new Set(facts.reader.names(this.folder));
    this.texts = TEXTS.filter((file) => present.has(file));
    const add = (file: string, metric: string, divisor: number) => {
      if (!present.has(file)) return;
      this.numbers.add(`${this.folder}/${file}`, facts.series(`node_power_supply_${metric}`, { power_supply: name }), 1, divisor);
    };
    for (const [file, metric] of Object.entries(PLAIN)) add(file, metric, 1);
    for (const [file, metric] of Object.entries(IN_MICRO)) add(file, metric, MICRO);
    for (const file of IN_TENTHS) add(file, `${file}_celsius`, TENTHS);
  }

  async ask(): Promise<void> {
    const labels: Record<string, string> = { power_supply: this.name };
    for (const file of this.texts) {
      const text = (await readFile(`${this.folder}/${file}`, "utf8").catch(() => "")).trim();
      if (text) labels[file] = text;
    }
    this.labels = labels;
    await this.numbers.ask();
  }

  read(out: Columns): void {
    this.info.give(out, this.labels);
    this.numbers.read(out);
  }

  close(): void {
    this.numbers.close();
  }
}

/** /sys/class/power_supply: batteries and chargers. */
export function powerSupplyGroup(facts: Facts): Group {
  const folder = facts.sys("class/power_supply");
  const make = (name: string) => new Supply(facts, name);
  return new AskedDeviceGroup({ name: "powersupplyclass", folder, make }, facts.config.slow_interval_ms);
}
