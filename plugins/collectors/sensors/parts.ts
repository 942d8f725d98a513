import type { Labels } from "all-use-agent/sdk";
import type { Systeminformation } from "systeminformation";

/** One value as it was told. */
export interface Reading {
  readonly name: string;
  readonly labels: Labels;
  readonly value: number;
}

export type PartName = "gpu" | "temperature" | "battery";

/** Asks for one subject. Rejects when the system's answer is none. */
export type Ask = () => Promise<Reading[]>;

const PERCENT = 100;
const MEBIBYTE = 2 ** 20;
const MEGAHERTZ = 1e6;
const MINUTE_SECONDS = 60;

/** A value where there is one: systeminformation says null, undefined, NaN or -1 for what it does not know. */
function reading(name: string, labels: Labels, value: number | null | undefined, scale = 1): Reading[] {
  return typeof value === "number" && Number.isFinite(value) && value >= 0 ? [{ name, labels, value: value * scale }] : [];
}

/** As `reading`, where 0 means that it is not known either. */
function positive(name: string, labels: Labels, value: number | null | undefined, scale = 1): Reading[] {
  return reading(name, labels, value || null, scale);
}

export function gpuReadings(controllers: readonly Systeminformation.GraphicsControllerData[]): Reading[] {
  return controllers.flatMap((card, i) => {
    // The bus tells two cards of a kind apart and stays when one is taken out.
    const gpu = card.pciBus || card.busAddress || String(i);
    const info = { gpu, vendor: card.vendor, model: card.name || card.model, driver_version: card.driverVersion ?? "" };
    return [
      { name: "gpu_info", labels: info, value: 1 },
      ...reading("gpu_utilization_ratio", { gpu }, card.utilizationGpu, 1 / PERCENT),
      ...reading("gpu_memory_utilization_ratio", { gpu }, card.utilizationMemory, 1 / PERCENT),
      ...positive("gpu_memory_total_bytes", { gpu }, card.memoryTotal ?? card.vram, MEBIBYTE),
      ...reading("gpu_memory_used_bytes", { gpu }, card.memoryUsed, MEBIBYTE),
      ...reading("gpu_fan_speed_ratio", { gpu }, card.fanSpeed, 1 / PERCENT),
      ...reading("gpu_power_watts", { gpu }, card.powerDraw),
      ...positive("gpu_power_limit_watts", { gpu }, card.powerLimit),
      ...positive("gpu_temperature_celsius", { gpu, domain: "core" }, card.temperatureGpu),
      ...positive("gpu_temperature_celsius", { gpu, domain: "memory" }, card.temperatureMemory),
      ...positive("gpu_clock_hertz", { gpu, domain: "core" }, card.clockCore, MEGAHERTZ),
      ...positive("gpu_clock_hertz", { gpu, domain: "memory" }, card.clockMemory, MEGAHERTZ),
    ];
  });
}

export function temperatureReadings(data: Systeminformation.CpuTemperatureData): Reading[] {
  const named = (prefix: string, values: readonly number[] | undefined) =>
    (values ?? []).flatMap((value, i) => positive("sensor_temperature_celsius", { sensor: `${prefix}${i}` }, value));
  return [
    ...positive("sensor_temperature_celsius", { sensor: "cpu" }, data.main),
    ...named("core", data.cores),
    ...named("socket", data.socket),
    ...positive("sensor_temperature_celsius", { sensor: "chipset" }, data.chipset),
  ];
}

export function batteryReadings(first: Systeminformation.BatteryData): Reading[] {
  return [first, ...(first.additionalBatteries ?? [])].flatMap((data, i) => {
    if (!data.hasBattery) return [];
    const battery = String(i);
    const capacity = data.designedCapacity > 0 ? data.maxCapacity / data.designedCapacity : null;
    return [
      ...reading("battery_charge_ratio", { battery }, data.percent, 1 / PERCENT),
      ...positive("battery_capacity_ratio", { battery }, capacity),
      ...reading("battery_charging", { battery }, data.isCharging ? 1 : 0),
      ...reading("battery_ac_connected", { battery }, data.acConnected ? 1 : 0),
      ...positive("battery_cycles", { battery }, data.cycleCount),
      ...positive("battery_remaining_seconds", { battery }, data.timeRemaining, MINUTE_SECONDS),
      ...positive("battery_voltage_volts", { battery }, data.voltage),
    ];
  });
}

/** The parts as this system answers them. */
export async function systemParts(): Promise<Record<PartName, Ask>> {
  const { default: si } = await import("systeminformation");
  return {
    gpu: async () => gpuReadings((await si.graphics()).controllers),
    temperature: async () => temperatureReadings(await si.cpuTemperature()),
    battery: async () => batteryReadings(await si.battery()),
  };
}
