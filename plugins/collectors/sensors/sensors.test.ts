import { readFileSync } from "node:fs";
import type { Manifest } from "all-use-agent/sdk";
import { TestContext } from "all-use-agent/sdk/testing";
import type { Systeminformation } from "systeminformation";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { sensors, type SensorsConfig } from "./index.ts";
import {
  type Ask,
  batteryReadings,
  gpuReadings,
  type PartName,
  type Reading,
  systemParts,
  temperatureReadings,
} from "./parts.ts";

const manifest = JSON.parse(readFileSync(new URL("./plugin.json", import.meta.url), "utf8")) as Manifest;
const ALL: SensorsConfig = { interval_ms: 30_000, gpu: true, temperature: true, battery: true };

const values = (readings: readonly Reading[]) =>
  Object.fromEntries(readings.map(({ name, labels, value }) => [[name, ...Object.values(labels)].join(" "), value]));

describe("what systeminformation says", () => {
  test("a graphics card, in base units", () => {
    // As nvidia-smi answers for one card.
    const card: Systeminformation.GraphicsControllerData = {
      vendor: "NVIDIA Corporation",
      model: "GA104",
      name: "NVIDIA GeForce RTX 3070",
      bus: "PCIe",
      busAddress: "01:00.0",
      pciBus: "00000000:01:00.0",
      vram: 8192,
      vramDynamic: false,
      driverVersion: "550.54.14",
      fanSpeed: 42,
      memoryTotal: 8192,
      memoryUsed: 1024,
      utilizationGpu: 17,
      utilizationMemory: 0,
      temperatureGpu: 61,
      powerDraw: 58.31,
      powerLimit: 220,
      clockCore: 1725,
      clockMemory: 7001,
    };
    const gpu = "00000000:01:00.0";
    expect(values(gpuReadings([card]))).toEqual({
      [`gpu_info ${gpu} NVIDIA Corporation NVIDIA GeForce RTX 3070 550.54.14`]: 1,
      [`gpu_utilization_ratio ${gpu}`]: 0.17,
      [`gpu_memory_utilization_ratio ${gpu}`]: 0,
      [`gpu_memory_total_bytes ${gpu}`]: 8 * 2 ** 30,
      [`gpu_memory_used_bytes ${gpu}`]: 2 ** 30,
      [`gpu_fan_speed_ratio ${gpu}`]: 0.42,
      [`gpu_power_watts ${gpu}`]: 58.31,
      [`gpu_power_limit_watts ${gpu}`]: 220,
      [`gpu_temperature_celsius ${gpu} core`]: 61,
      [`gpu_clock_hertz ${gpu} core`]: 1_725_000_000,
      [`gpu_clock_hertz ${gpu} memory`]: 7_001_000_000,
    });
    const onBoard = { vendor: "Intel", model: "UHD 620", bus: "Onboard", vram: null, vramDynamic: true };
    expect(gpuReadings([onBoard]).map(({ name }) => name)).toEqual(["gpu_info"]);
  });

  test("temperatures, of which a machine may tell some", () => {
    const some = { main: 48.5, cores: [47, 0], max: 50, socket: [], chipset: 39 } as Systeminformation.CpuTemperatureData;
    expect(values(temperatureReadings(some))).toEqual({
      "sensor_temperature_celsius cpu": 48.5,
      "sensor_temperature_celsius core0": 47,
      "sensor_temperature_celsius chipset": 39,
    });
    const none = { main: null, cores: [], max: null } as unknown as Systeminformation.CpuTemperatureData;
    expect(temperatureReadings(none)).toEqual([]);
  });

  test("two batteries; a machine without one has no readings", () => {
    const battery = {
      hasBattery: true,
      cycleCount: 120,
      isCharging: false,
      designedCapacity: 50_000,
      maxCapacity: 40_000,
      voltage: 11.4,
      percent: 75,
      timeRemaining: 90,
      acConnected: false,
    } as Systeminformation.BatteryData;
    const second = { ...battery, percent: 5, timeRemaining: null } as unknown as Systeminformation.BatteryData;
    expect(values(batteryReadings({ ...battery, additionalBatteries: [second] }))).toMatchObject({
      "battery_charge_ratio 0": 0.75,
      "battery_capacity_ratio 0": 0.8,
      "battery_remaining_seconds 0": 5400,
      "battery_ac_connected 0": 0,
      "battery_charge_ratio 1": 0.05,
    });
    expect(batteryReadings({ ...battery, hasBattery: false })).toEqual([]);
  });
});

describe("the parts", () => {
  const heat: Ask = () => Promise.resolve([{ name: "sensor_temperature_celsius", labels: { sensor: "cpu" }, value: 40 }]);

  async function start(parts: Partial<Record<PartName, Ask>>, config: Partial<SensorsConfig> = {}) {
    const ctx = new TestContext(manifest);
    onTestFinished(() => ctx.dispose());
    const nothing: Ask = () => Promise.resolve([]);
    const asks = { gpu: nothing, temperature: nothing, battery: nothing, ...parts };
    const collector = sensors(ctx, { ...ALL, ...config }, () => Promise.resolve(asks));
    await collector.start?.(ctx.signal);
    return { ctx, tick: () => void collector.collect!(ctx.signal) };
  }

  test("one that fails fails alone, says why, and says when it is well again", async () => {
    let broken = true;
    const gpu: Ask = () => (broken ? Promise.reject(new Error("nvidia-smi is not to be had")) : Promise.resolve([]));
    const { ctx, tick } = await start({ gpu, temperature: heat });
    tick();
    await vi.waitFor(() => expect(ctx.states).toEqual([{ state: "degraded", reason: "gpu: nvidia-smi is not to be had" }]));
    expect(ctx.emitted.map(({ value }) => value)).toEqual([40]);
    broken = false;
    tick();
    await vi.waitFor(() => expect(ctx.states.at(-1)?.state).toBe("ok"));
    expect(ctx.emitted.length).toBe(2);
  });

  test("one that hangs is asked once and keeps no other waiting", async () => {
    const gpu = vi.fn<Ask>(() => new Promise(() => {}));
    const { ctx, tick } = await start({ gpu, temperature: heat });
    for (let i = 1; i <= 3; i++) {
      tick();
      await vi.waitFor(() => expect(ctx.emitted.length).toBe(i));
    }
    expect(gpu).toHaveBeenCalledTimes(1);
    expect(ctx.states).toEqual([{ state: "degraded", reason: "gpu: has not answered since the last time it was asked" }]);
  });

  test("one that is switched off is not asked", async () => {
    const gpu = vi.fn<Ask>(heat);
    const { ctx, tick } = await start({ gpu, temperature: heat }, { gpu: false });
    tick();
    await vi.waitFor(() => expect(ctx.emitted.length).toBe(1));
    expect(gpu).not.toHaveBeenCalled();
  });

  test("an answer that comes after the end is dropped", async () => {
    let answer: (readings: Reading[]) => void = () => {};
    const gpu: Ask = () => new Promise((resolve) => (answer = resolve));
    const { ctx, tick } = await start({ gpu });
    tick();
    await ctx.dispose();
    answer([{ name: "gpu_power_watts", labels: { gpu: "0" }, value: 1 }]);
    await new Promise(setImmediate);
    expect(ctx.emitted).toEqual([]);
  });

  test("this very machine answers, whatever it has", async () => {
    for (const [name, ask] of Object.entries(await systemParts())) {
      for (const reading of await ask()) expect(manifest.metrics, name).toHaveProperty(reading.name);
    }
  });
});
