import { readdirSync, readFileSync } from "node:fs";
import { hostname, networkInterfaces } from "node:os";
import { join } from "node:path";
import type { Disposable } from "all-use-agent/sdk";
import { everyAligned, type TimeSource } from "../time.ts";
import type { LoadMonitor } from "./load-monitor.ts";
import type { Surroundings } from "./surroundings.ts";

const POWER_SUPPLIES = "/sys/class/power_supply";
/** A charger is not plugged in and out more often than matters. */
const BATTERY_LOOK_MS = 30_000;
const NETWORK_LOOK_MS = 5000;

export interface MachineParts {
  readonly time: TimeSource;
  readonly dataDir: string;
  readonly load: LoadMonitor;
  /** Of the shell, where it knows better than files. */
  readonly onBattery?: (() => boolean) | undefined;
}

/** The machine that the agent runs on, as collectors' strategies want to know it. Each question is asked of the system now and then. */
export class Machine implements Surroundings {
  readonly seed: string;
  private readonly parts: MachineParts;
  private battery = { value: false, lookedMs: -Infinity };
  private network = { value: "", lookedMs: -Infinity };
  private readonly listeners = new Set<() => void>();
  private looking: Disposable | null = null;

  constructor(parts: MachineParts) {
    this.parts = parts;
    this.seed = `${hostname()} ${parts.dataDir}`;
  }

  get load(): Surroundings["load"] {
    return this.parts.load;
  }

  onLoad(listener: () => void): Disposable {
    return this.parts.load.onChange(listener);
  }

  onBattery(): boolean {
    const nowMs = this.parts.time.monotonic();
    if (nowMs - this.battery.lookedMs >= BATTERY_LOOK_MS)
      this.battery = { value: (this.parts.onBattery ?? onBatteryBySysfs)(), lookedMs: nowMs };
    return this.battery.value;
  }

  networkUp(): boolean {
    return this.ways() !== "";
  }

  onNetwork(listener: () => void): Disposable {
    this.listeners.add(listener);
    if (this.looking === null) {
      let before = this.ways();
      this.looking = everyAligned(this.parts.time, NETWORK_LOOK_MS, () => {
        this.network.lookedMs = -Infinity;
        const now = this.ways();
        if (now === before) return;
        before = now;
        for (const one of this.listeners) one();
      });
    }
    return {
      dispose: () => {
        this.listeners.delete(listener);
        if (this.listeners.size > 0) return;
        void this.looking?.dispose();
        this.looking = null;
      },
    };
  }

  /** Addresses that lead out, as one text; empty without any. */
  private ways(): string {
    const nowMs = this.parts.time.monotonic();
    if (nowMs - this.network.lookedMs >= NETWORK_LOOK_MS) this.network = { value: waysOut(), lookedMs: nowMs };
    return this.network.value;
  }
}

/** Addresses that a network gave; those that a machine gives itself while it waits for one lead nowhere. */
function waysOut(): string {
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ internal, address }) => !internal && !/^(fe80:|169\.254\.)/i.test(address))
    .map(({ address }) => address)
    .sort()
    .join(" ");
}

/** Linux: some battery discharges and no charger is there. Elsewhere, and where nothing can be read: no. */
export function onBatteryBySysfs(folder = POWER_SUPPLIES): boolean {
  let discharging = false;
  try {
    for (const name of readdirSync(folder)) {
      const read = (file: string): string => {
        try {
          return readFileSync(join(folder, name, file), "utf8").trim();
        } catch {
          return "";
        }
      };
      const type = read("type");
      if (type === "Battery" && read("scope") !== "Device") discharging ||= read("status") === "Discharging";
      else if (read("online") === "1") return false;
    }
  } catch {
    return false;
  }
  return discharging;
}
